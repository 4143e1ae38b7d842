/* cas.h - the issuing CAs that this site has or had: each has a number for good, in the order of the journal. */
#ifndef BM_CAS_H
#define BM_CAS_H

#include "pki/cert.h"
#include "record/statement.h"

struct bm_issuing {
    char name[BM_MAX_NAME + 1]; /* site.conf says by it where the key is */
    enum bm_ca kind;
    bool retired; /* issues no more; its lists are signed until what it issued has ended */
    struct bm_buf der;
    struct bm_cert cert;                          /* views into der */
    struct bm_ca_serves serves[BM_MAX_CA_SERVES]; /* none: all of its class that no other CA serves by name */
    size_t nserves;
    uint64_t issued;
    bm_time last_end; /* of all certificates that it has issued */
};

/* A root that everything hangs from, and what leads from one root to the next (RFC 9810 4.4): n = 0 where there is none. */
struct bm_root {
    struct bm_buf der;
    struct bm_buf new_with_old; /* this root's key, signed by the one before */
    struct bm_buf old_with_new; /* that one's key, signed by this one */
};

/* Numbers 0 and 1 of the CAs are init's: enum bm_ca. */
struct bm_cas {
    struct bm_issuing *row[BM_MAX_CAS];
    size_t n;
    struct bm_root *root[BM_MAX_ROOTS]; /* the first is init's */
    size_t nroots;
};
/* A zeroed one is empty. */
void bm_cas_done(struct bm_cas *cas);

/* BM_EPOLICY: the name is taken, or there are as many as can be. */
bm_must_use enum bm_rc bm_cas_add(struct bm_cas *cas, struct bm_bytes name, enum bm_ca kind, struct bm_bytes der, struct bm_fail *fail);
/* What a statement says, which was checked before (ca_try.c). */
bm_must_use enum bm_rc bm_cas_take(struct bm_cas *cas, const struct bm_ca_statement *statement, struct bm_fail *fail);
bm_must_use enum bm_rc bm_cas_root(struct bm_cas *cas, struct bm_bytes der, struct bm_bytes new_with_old, struct bm_bytes old_with_new,
                                   struct bm_fail *fail);
/* The one of this name; NULL. */
struct bm_issuing *bm_cas_find(const struct bm_cas *cas, struct bm_bytes name);
/* Which one issues a certificate of this class now, for a device of this lot and product ("": none): one that serves the lot by name before one that serves
 * the product, and that before one that serves all; of several the youngest. False: none. */
bm_must_use bool bm_cas_choose(const struct bm_cas *cas, enum bm_ca kind, const char *lot, const char *product, unsigned *ret_ca);
/* Bytes of the certificates above a device's: its CA's, and those between roots that go with it (registrar/cas.c). */
size_t bm_cas_chain_size(const struct bm_cas *cas, unsigned ca);
/* Would there still be one for everything of this class, without this one? but NULL: with all. */
bool bm_cas_serve_all(const struct bm_cas *cas, enum bm_ca kind, const struct bm_issuing *but);

#endif
