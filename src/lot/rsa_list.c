#include "lot/rsa_list.h"

#include "wire/der.h"
#include "wire/text.h"

#define MAGIC "birthmark/rsa/v1\n"
#define MAGIC_N (sizeof(MAGIC) - 1)
#define LEAST 256 /* bytes of a modulus: bm_key_parse() takes 2048 to 4096 bits */
#define MOST 512

void
bm_rsa_list_add(struct bm_buf *buf, uint32_t chip, const struct bm_key *key)
{
    struct bm_rd outer = bm_rd(bm_bytes(key->spki + key->at_bits, key->nbits)), in;
    static const uint8_t empty[BM_RSA_LIST_HEAD] = MAGIC;
    struct bm_bytes modulus;

    if (key->alg != BM_KEY_RSA)
        return;
    if (buf->n == 0)
        bm_buf_add(buf, empty, sizeof(empty));
    in = bm_der_enter(&outer, BM_DER_SEQUENCE);
    modulus = bm_der_positive(&in);
    bm_buf_add_u32(buf, chip);
    bm_buf_add_u64(buf, bm_der_uint(&in, BM_DER_INTEGER));
    bm_buf_add_lv16(buf, modulus);
}

bool
bm_rsa_list_key(struct bm_bytes bytes, size_t *at, struct bm_rsa_key *ret_key)
{
    struct bm_rd rd;

    if (*at >= bytes.n)
        return false;
    rd = bm_rd(bm_bytes(bytes.p + *at, bytes.n - *at));
    ret_key->chip = bm_rd_u32(&rd);
    ret_key->exponent = bm_rd_u64(&rd);
    ret_key->modulus = bm_rd_lv16(&rd, MOST);
    *at = bytes.n - rd.left;
    return !rd.bad;
}

void
bm_rsa_list_end(struct bm_buf *buf, const char *name)
{
    size_t at = BM_RSA_LIST_HEAD, length = strnlen(name, BM_MAX_NAME);
    struct bm_rsa_key key;
    uint64_t n = 0;

    if (buf->n == 0 || buf->bad)
        return;
    while (bm_rsa_list_key(bm_buf_bytes(buf), &at, &key))
        n++;
    buf->p[MAGIC_N] = (uint8_t)length;
    memcpy(buf->p + MAGIC_N + 1, name, length);
    for (size_t i = 0; i < 8; i++)
        buf->p[BM_RSA_LIST_HEAD - 1 - i] = (uint8_t)(n >> 8 * i);
}

static bool
name_take(struct bm_rsa_list *list, struct bm_rd *rd)
{
    size_t n = bm_rd_u8(rd);
    struct bm_bytes name = bm_rd_take(rd, BM_MAX_NAME);

    if (rd->bad || n == 0 || n > BM_MAX_NAME)
        return false;
    for (size_t i = 0; i < BM_MAX_NAME; i++)
        if ((name.p[i] != 0) != (i < n) || (i < n && (name.p[i] < 0x20 || name.p[i] > 0x7e)))
            return false;
    memcpy(list->lot, name.p, n);
    list->lot[n] = 0;
    return true;
}

enum bm_rc
bm_rsa_list_parse(struct bm_rsa_list *ret_list, struct bm_bytes bytes, struct bm_fail *fail)
{
    struct bm_rsa_list list = { .bytes = bytes };
    struct bm_rd rd = bm_rd(bytes);
    size_t at = BM_RSA_LIST_HEAD;
    struct bm_rsa_key key;
    uint64_t n = 0;
    bool good = bm_bytes_equal(bm_rd_take(&rd, MAGIC_N), bm_bytes_str(MAGIC)) && name_take(&list, &rd);

    list.n = bm_rd_u64(&rd);
    while (good && at < bytes.n) {
        good = bm_rsa_list_key(bytes, &at, &key) && key.modulus.n >= LEAST && key.modulus.p[0] != 0 && key.chip < BM_MAX_LOT_CHIPS;
        n++;
    }
    if (!good || rd.bad || n == 0 || n != list.n)
        return bm_fail(fail, BM_EINPUT, NULL, "this is no list of RSA keys of a lot, or it is damaged");
    *ret_list = list;
    return BM_OK;
}
