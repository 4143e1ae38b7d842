#include "cli/operator_cert.h"

#include "cli/places.h"
#include "cli/server_cert.h"
#include "pki/cert.h"
#include "pki/private.h"
#include "pki/tbs.h"

#include <unistd.h>

#define DAYS 397
#define DAY 86400

/* RFC 8410 4: an Ed25519 key's SubjectPublicKeyInfo. A P-256 key is one already. */
static struct bm_bytes
spki_of(uint8_t ret[static 12 + BM_NOTE_KEY], const struct bm_note_key *key)
{
    static const uint8_t head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

    if (key->type == BM_NOTE_ECDSA)
        return bm_bytes(key->key, BM_NOTE_SPKI);
    memcpy(ret, head, sizeof(head));
    memcpy(ret + sizeof(head), key->key, BM_NOTE_KEY);
    return bm_bytes(ret, sizeof(head) + BM_NOTE_KEY);
}

static enum bm_rc
ca_open(struct bm_buf *der, struct bm_cert *ret_cert, struct bm_issuer *ret_issuer, struct bm_private **ret_key, const char *home,
        struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 16384 };
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_place_path(path, home, BM_PLACE_CA_CERT, "operators", fail)) != BM_OK || (rc = bm_cert_read(der, path, fail)) != BM_OK ||
        (rc = bm_cert_parse(ret_cert, bm_buf_bytes(der), fail)) != BM_OK ||
        (rc = bm_place_read(&pem, home, BM_PLACE_OPERATOR_CA_KEY, "", fail)) != BM_OK ||
        (rc = bm_private_parse(ret_key, bm_buf_bytes(&pem), fail)) != BM_OK)
        return rc;
    if (ret_cert->ski.n != sizeof(ret_issuer->key_id))
        return bm_fail(fail, BM_EINPUT, NULL, "%s has no subject key identifier of 20 bytes", path);
    *ret_issuer = (struct bm_issuer){ .subject = ret_cert->subject,
                                      .not_after = ret_cert->not_after,
                                      .alg = bm_private_alg(*ret_key),
                                      .test = bm_cert_test_mark(ret_cert->der) };
    memcpy(ret_issuer->key_id, ret_cert->ski.p, sizeof(ret_issuer->key_id));
    return BM_OK;
}

enum bm_rc
bm_operator_cert_make(const char *home, const struct bm_note_key *key, bm_time now, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf ca_der = { .max = BM_MAX_CERT }, tbs = { .max = BM_MAX_CERT },
                                          signature = { .max = BM_MAX_SIGNATURE }, der = { .max = BM_MAX_CERT },
                                          chain = { .max = 4 * BM_MAX_CERT };
    bm_cleanup(bm_private_done) struct bm_private *ca_key = NULL;
    uint8_t spki[12 + BM_NOTE_KEY], serial[BM_NEW_SERIAL];
    const bm_time until = now + DAYS * (bm_time)DAY - BM_CLOCK_SLACK;
    struct bm_issuer issuer;
    struct bm_cert ca;
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = ca_open(&ca_der, &ca, &issuer, &ca_key, home, fail)) != BM_OK || (rc = bm_serial_make(serial, fail)) != BM_OK ||
        (rc = bm_tbs_operator_build(&tbs, &issuer, key->name, spki_of(spki, key), bm_bytes(serial, sizeof(serial)), now - BM_CLOCK_SLACK,
                                    until < issuer.not_after ? until : issuer.not_after, fail)) != BM_OK ||
        (rc = bm_private_sign(ca_key, bm_buf_bytes(&tbs), &signature, fail)) != BM_OK)
        return rc;
    bm_signed_build(&der, bm_buf_bytes(&tbs), issuer.alg, bm_buf_bytes(&signature));
    bm_pem_build(&chain, "CERTIFICATE", bm_buf_bytes(&der));
    bm_pem_build(&chain, "CERTIFICATE", bm_buf_bytes(&ca_der));
    if ((rc = bm_buf_check(&chain, "the operator's chain", fail)) != BM_OK ||
        (rc = bm_place_path(path, home, BM_PLACE_OPERATOR_CERT, key->name, fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(&chain), 0644, fail);
}

bool
bm_operator_cert_until(bm_time *ret_until, const char *home, const struct bm_note_key *key)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    uint8_t spki[12 + BM_NOTE_KEY];
    struct bm_fail unused;
    struct bm_cert cert;
    char path[BM_PATH];

    if (bm_place_path(path, home, BM_PLACE_OPERATOR_CERT, key->name, &unused) != BM_OK || bm_cert_read(&der, path, &unused) != BM_OK ||
        bm_cert_parse(&cert, bm_buf_bytes(&der), &unused) != BM_OK || !bm_bytes_equal(bm_key_spki(&cert.key), spki_of(spki, key)))
        return false;
    *ret_until = cert.not_after;
    return true;
}

void
bm_operator_cert_drop(const char *home, const char *name)
{
    struct bm_fail unused;
    char path[BM_PATH];

    if (bm_place_path(path, home, BM_PLACE_OPERATOR_CERT, name, &unused) == BM_OK)
        (void)unlink(path);
}
