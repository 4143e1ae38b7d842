#include "evidence/word.h"

#include "wire/rd.h"

void
bm_word_tbs(struct bm_buf *buf, const char *label, struct bm_bytes csr)
{
    uint8_t hash[BM_HASH];

    bm_sha256(hash, csr);
    bm_buf_add_str(buf, label);
    bm_buf_add(buf, hash, sizeof(hash));
}

enum bm_rc
bm_word_verify(struct bm_crypto *crypto, const struct bm_key *key, const char *label, struct bm_bytes csr, struct bm_bytes signature,
               struct bm_fail *fail)
{
    uint8_t room[BM_WORD_TBS];
    struct bm_buf tbs = bm_buf_in(room, sizeof(room));

    bm_word_tbs(&tbs, label, csr);
    return bm_key_verify(crypto, key, bm_key_sig_alg(key->alg), bm_buf_bytes(&tbs), signature, fail);
}

enum bm_rc
bm_word_parse(struct bm_word *ret_word, struct bm_bytes part, const char *what, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(part);
    struct bm_word word = { .key = bm_rd_lv16(&rd, BM_MAX_SPKI) };

    word.signature = bm_rd_lv16(&rd, BM_MAX_SIGNATURE);
    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL, "%s is cut short, or longer than a key and a signature", what);
    *ret_word = word;
    return BM_OK;
}

void
bm_word_build(struct bm_buf *buf, const struct bm_word *word)
{
    bm_buf_add_lv16(buf, word->key);
    bm_buf_add_lv16(buf, word->signature);
}
