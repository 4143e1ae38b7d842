/* rsa_list.h - the RSA moduli of a received lot as a file, for comparison with all that is received later. Format: docs/formats/home.md. */
#ifndef BM_RSA_LIST_H
#define BM_RSA_LIST_H

#include "pki/key.h"

/*
 * "birthmark/rsa/v1\n"
 * u8 length and 64 bytes     the lot's name, the rest zero
 * u64                        how many keys follow
 * keys: u32 chip (its place in the lot), u64 exponent, u16 length and the modulus without leading zeros
 */
#define BM_RSA_LIST_HEAD (17 + 1 + BM_MAX_NAME + 8)

/* Appends the key, if it is one of RSA, to a buffer that is empty or has some already. */
void bm_rsa_list_add(struct bm_buf *buf, uint32_t chip, const struct bm_key *key);
/* Writes name and number into the head: when all are there. An empty buffer stays so. name: 1 to BM_MAX_NAME bytes. */
void bm_rsa_list_end(struct bm_buf *buf, const char *name);

struct bm_rsa_list {
    char lot[BM_MAX_NAME + 1];
    uint64_t n;
    struct bm_bytes bytes; /* the whole file */
};
/* All of it, strictly: every key can be read by bm_rsa_list_key() then. BM_EINPUT. */
bm_must_use enum bm_rc bm_rsa_list_parse(struct bm_rsa_list *ret_list, struct bm_bytes bytes, struct bm_fail *fail);

struct bm_rsa_key {
    uint32_t chip;
    uint64_t exponent;
    struct bm_bytes modulus;
};
/* The key at *at (BM_RSA_LIST_HEAD the first), which moves to the next one; false at the end. */
bool bm_rsa_list_key(struct bm_bytes bytes, size_t *at, struct bm_rsa_key *ret_key);

#endif
