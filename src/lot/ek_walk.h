/* ek_walk.h - an EK list cut into chips: PEM blocks, certificates in DER one after the other, or a directory's files of either. */
#ifndef BM_EK_WALK_H
#define BM_EK_WALK_H

#include "lot/ek_dir.h"

#include "pki/cert.h"

struct bm_ek_walk {
    struct bm_ek_file *files; /* sorted by stem and name */
    size_t nfiles, at;
    struct bm_bytes left; /* of files[at] */
    uint64_t done;        /* bytes of files gone through */
    bool together;        /* files[at] is one of several about one TPM */
    bool padded;          /* the last certificate had filling behind it, as it lies in a TPM's memory */
    struct bm_buf der;    /* the last certificate, where it came out of PEM */
};
bool bm_ek_probe(struct bm_bytes file);
bm_must_use enum bm_rc bm_ek_walk_open(struct bm_ek_walk *ret_walk, struct bm_bytes file, struct bm_fail *fail);
/* The next certificate: a view until the next call. ret_same: it belongs to the chip of the one before it. */
bm_must_use enum bm_rc bm_ek_walk_next(struct bm_ek_walk *walk, bool *ret_have, struct bm_bytes *ret_der, bool *ret_same,
                                       struct bm_fail *fail);
/* The name of the file that it stood in, for people and for a label; n = 0: none. */
struct bm_bytes bm_ek_walk_name(const struct bm_ek_walk *walk);
void bm_ek_walk_done(struct bm_ek_walk *walk);

#endif
