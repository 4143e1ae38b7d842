#include "evidence/erased.h"

#include "wire/lines.h"
#include "wire/text.h"

#define HEAD "birthmark/erased/v1"

void
bm_erased_build(struct bm_buf *text, const struct bm_erased *erased, struct bm_bytes spki)
{
    char hex[2 * BM_HASH + 1], time[BM_TIME_TEXT];

    bm_time_print(time, erased->time);
    bm_buf_add_fmt(text, HEAD "\ntime %s\n", time);
    for (size_t i = 0; i < erased->nidentities; i++) {
        bm_hex(hex, bm_bytes(erased->identities[i].key, BM_HASH));
        bm_buf_add_fmt(text, "identity %s %s\n", erased->identities[i].service, hex);
    }
    bm_buf_add_fmt(text, "sealed %llu\nkey ", (unsigned long long)erased->sealed);
    bm_b64_add(text, BM_B64_STD, spki);
    bm_buf_add_str(text, "\n");
}

void
bm_erased_end(struct bm_buf *text, struct bm_bytes signature)
{
    bm_buf_add_str(text, "signature ");
    bm_b64_add(text, BM_B64_STD, signature);
    bm_buf_add_str(text, "\n");
}

static void
refuse(struct bm_lines *lines, const char *why)
{
    if (!lines->bad)
        bm_fail_note(lines->fail, BM_EINPUT, NULL, "receipt: line %u %s", lines->line, why);
    lines->bad = true;
}

/* SERVICE SP HEX */
static void
identities_take(struct bm_erased *erased, struct bm_lines *lines)
{
    struct bm_erased_identity *identity;
    struct bm_bytes value;
    struct bm_fail ignored;
    char again[2 * BM_HASH + 1];

    while (bm_lines_have(lines, "identity", &value)) {
        size_t n = value.n > 2 * BM_HASH + 1 ? value.n - 2 * BM_HASH - 1 : 0;

        if (erased->nidentities == BM_MAX_ERASED_IDENTITIES) {
            refuse(lines, "is one identity too many");
            return;
        }
        identity = &erased->identities[erased->nidentities++];
        if (n > 0 && n <= BM_MAX_NAME)
            memcpy(identity->service, value.p, n);
        if (n == 0 || n > BM_MAX_NAME || memchr(value.p, 0, n) != NULL || !bm_name_ok(identity->service, BM_MAX_NAME) ||
            value.p[n] != ' ' || bm_hex_parse(identity->key, BM_HASH, bm_bytes(value.p + n + 1, 2 * BM_HASH), &ignored) != BM_OK) {
            refuse(lines, "must hold a service and the SHA-256 of its key");
            return;
        }
        bm_hex(again, bm_bytes(identity->key, BM_HASH));
        if (memcmp(again, value.p + n + 1, 2 * BM_HASH) != 0)
            refuse(lines, "must have its key in lower-case hex");
    }
}

static void
b64_take(struct bm_buf *buf, struct bm_lines *lines, const char *key)
{
    struct bm_bytes value = bm_lines_want(lines, key);
    struct bm_fail ignored;

    if (!lines->bad && (bm_b64_parse(buf, BM_B64_STD, value, &ignored) != BM_OK || buf->bad || buf->n == 0))
        refuse(lines, "must be in base64, and no longer than a key or a signature is");
}

enum bm_rc
bm_erased_check(struct bm_erased *ret_erased, struct bm_bytes text, struct bm_crypto *crypto, struct bm_fail *fail)
{
    uint8_t room[BM_MAX_SPKI], signed_room[BM_MAX_SIGNATURE];
    struct bm_buf spki = bm_buf_in(room, sizeof(room)), signature = bm_buf_in(signed_room, sizeof(signed_room));
    struct bm_lines lines = bm_lines_open(text, HEAD, "receipt", fail);
    struct bm_erased erased = { .nidentities = 0 };
    struct bm_fail unsaid;
    struct bm_key key;
    size_t nsigned;
    enum bm_rc rc;

    erased.time = bm_lines_time(&lines, "time");
    identities_take(&erased, &lines);
    erased.sealed = bm_lines_u64(&lines, "sealed", 0, INT64_MAX);
    b64_take(&spki, &lines, "key");
    nsigned = text.n - lines.rd.left;
    b64_take(&signature, &lines, "signature");
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    if ((rc = bm_key_parse(&key, bm_buf_bytes(&spki), fail)) != BM_OK)
        return rc;
    if (bm_key_verify(crypto, &key, bm_key_sig_alg(key.alg), bm_bytes(text.p, nsigned), bm_buf_bytes(&signature), &unsaid) != BM_OK)
        return bm_fail(fail, BM_EPOLICY, NULL, "the key that the receipt names did not sign it: take the file as the device wrote it");
    memcpy(erased.key, key.hash, BM_HASH);
    *ret_erased = erased;
    return BM_OK;
}
