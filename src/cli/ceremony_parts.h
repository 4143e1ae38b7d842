/* ceremony_parts.h - what the files of ceremony.h share. */
#ifndef BM_CLI_CEREMONY_PARTS_H
#define BM_CLI_CEREMONY_PARTS_H

#include "cli/ceremony.h"

#define BM_CEREMONY_TRANSCRIPT "transcript"
#define BM_CEREMONY_PART ".part"
#define BM_CEREMONY_UNNAMED ".tmp-" /* in what a file is called before it has its name (base/file.h) */

/* A sentence of the protocol, with the time. */
bm_must_use enum bm_rc bm_ceremony_step(struct bm_ceremony *c, struct bm_fail *fail, const char *fmt, ...) bm_printf(3, 4);

/* Signs a CA's certificate as this issuer, appended to der. */
bm_must_use enum bm_rc bm_ceremony_ca(const struct bm_ceremony *c, const struct bm_issuer *issuer, const struct bm_ca_subject *subject,
                                      const struct bm_key *key, const bm_time validity[static 2], struct bm_buf *der, struct bm_fail *fail);
/* Puts a certificate, which the session's root or its neighbour signed, into the entry; out: into a file, too. */
bm_must_use enum bm_rc bm_ceremony_add(struct bm_ceremony *c, enum bm_root_class class, struct bm_bytes der, bool out,
                                       struct bm_fail *fail);
/* The entry as it will stand, with its signatures, behind those before it; and checked. Twice is once. */
bm_must_use enum bm_rc bm_ceremony_close(struct bm_ceremony *c, struct bm_fail *fail);
/* The transcript on the disk; its files; and a fresh one in its place. */
bm_must_use enum bm_rc bm_ceremony_transcript_write(const struct bm_ceremony *c, struct bm_fail *fail);
bm_must_use enum bm_rc bm_ceremony_files_write(const struct bm_ceremony *c, struct bm_fail *fail);
bm_must_use enum bm_rc bm_ceremony_rename(struct bm_ceremony *c, struct bm_fail *fail);

/* DIR.part of a ceremony that was cut off, taken away. BM_EPOLICY: another one is going on there, or it holds what is not ours. */
bm_must_use enum bm_rc bm_ceremony_sweep(const char *part, struct bm_fail *fail);
/* Files that never got their names, taken away. */
void bm_ceremony_tidy(const char *dir);
bm_must_use enum bm_rc bm_ceremony_part(char ret[static BM_PATH], const char *dir, struct bm_fail *fail);
bm_must_use enum bm_rc bm_ceremony_lock(struct bm_ceremony *c, struct bm_fail *fail);
/* A fresh directory beside its place, with the key and the certificate of a root. */
bm_must_use enum bm_rc bm_ceremony_make(struct bm_ceremony **ret, const char *dir, const struct bm_ceremony_plan *plan, unsigned number,
                                        struct bm_fail *fail);

#endif
