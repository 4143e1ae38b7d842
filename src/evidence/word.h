/* word.h - a key's word for a request: its signature over a label and the request's hash. Format: docs/formats/evidence.md. */
#ifndef BM_WORD_H
#define BM_WORD_H

#include "pki/key.h"

/* Whose word it is. */
#define BM_WORD_RENEWAL "birthmark/renewal/v1\n" /* the current identity key's for the new one: part 1 of a bundle */
#define BM_WORD_STATION "birthmark/station/v1\n" /* the factory's station that the request came by: part 3, which has more (station.h) */
#define BM_WORD_DICE "birthmark/dice/v1\n"       /* DICE's Alias key (dice.h) */

/* What the key signs: the label and SHA-256 of the CSR (DER). Appends at most BM_WORD_TBS bytes. */
#define BM_WORD_TBS (32 + BM_MAX_NAME + BM_HASH)
void bm_word_tbs(struct bm_buf *buf, const char *label, struct bm_bytes csr);
/* The signature is the key's, with the algorithm that goes with it (bm_key_sig_alg()). BM_EPOLICY. */
bm_must_use enum bm_rc bm_word_verify(struct bm_crypto *crypto, const struct bm_key *key, const char *label, struct bm_bytes csr,
                                      struct bm_bytes signature, struct bm_fail *fail);

/* A part of a bundle: lv16 SubjectPublicKeyInfo, lv16 signature. */
struct bm_word {
    struct bm_bytes key;
    struct bm_bytes signature;
};
/* BM_EINPUT; what: for the sentence. Views; the key is not read here. */
bm_must_use enum bm_rc bm_word_parse(struct bm_word *ret_word, struct bm_bytes part, const char *what, struct bm_fail *fail);
/* Appends it; the one encoding that parses to this. */
void bm_word_build(struct bm_buf *buf, const struct bm_word *word);

#endif
