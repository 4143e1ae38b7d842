/* chain.h - a chipmaker's certificates above its chips': a root, one issuer under it, and a certificate for any chip. For tests. */
#ifndef BM_TEST_LOT_CHAIN_H
#define BM_TEST_LOT_CHAIN_H

#include "maker.h"

#define CHAIN_ROOT "Example Chips Root"
#define CHAIN_ISSUER "Example Chips Signer"

struct chain {
    struct bm_private *root_key, *issuer_key;
    struct bm_buf root, issuer; /* DER */
};

static inline void
chain_ca(struct bm_buf *der, struct bm_private *by, const char *by_cn, const struct bm_key *key, const char *cn, bm_time from,
         bm_time until)
{
    struct bm_buf tbs = { .max = 4096 }, name = { .max = 256 }, signature = { .max = BM_MAX_SIGNATURE };
    struct bm_ca_subject subject = { .common_name = cn, .path_len = -1 };
    struct bm_issuer issuer = { .alg = BM_SIG_ECDSA_SHA256, .not_after = until };
    struct bm_fail fail;
    uint8_t serial[16];

    bm_name_build(&name, NULL, by_cn);
    issuer.subject = bm_buf_bytes(&name);
    memcpy(issuer.key_id, bm_key_ski(bm_private_public(by)).octets, sizeof(issuer.key_id));
    memcpy(serial, bm_key_ski(key).octets, sizeof(serial));
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
    maker_must(bm_tbs_ca_build(&tbs, &issuer, &subject, bm_key_spki(key), bm_bytes(serial, sizeof(serial)), from, until, &fail) == BM_OK);
    maker_must(bm_private_sign(by, bm_buf_bytes(&tbs), &signature, &fail) == BM_OK);
    bm_signed_build(der, bm_buf_bytes(&tbs), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&signature));
    bm_buf_done(&tbs);
    bm_buf_done(&name);
    bm_buf_done(&signature);
}

static inline void
chain_open(struct chain *chain, bm_time from, bm_time until)
{
    struct bm_fail fail;

    *chain = (struct chain){ .root = { .max = 4096 }, .issuer = { .max = 4096 } };
    maker_must(bm_private_generate(&chain->root_key, BM_KEY_P256, &fail) == BM_OK);
    maker_must(bm_private_generate(&chain->issuer_key, BM_KEY_P256, &fail) == BM_OK);
    chain_ca(&chain->root, chain->root_key, CHAIN_ROOT, bm_private_public(chain->root_key), CHAIN_ROOT, from, until);
    chain_ca(&chain->issuer, chain->root_key, CHAIN_ROOT, bm_private_public(chain->issuer_key), CHAIN_ISSUER, from, until);
}

static inline void
chain_close(struct chain *chain)
{
    bm_private_free(chain->root_key);
    bm_private_free(chain->issuer_key);
    bm_buf_done(&chain->root);
    bm_buf_done(&chain->issuer);
}

/* A chip's own certificate, valid in these times. */
static inline void
chain_device(struct bm_buf *der, struct chain *chain, const struct bm_key *key, const char *cn, bm_time from, bm_time until)
{
    maker_cert(der, chain->issuer_key, CHAIN_ISSUER, key, cn, from, until);
}

#endif
