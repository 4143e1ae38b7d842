/* envelope_key.c - whose envelope it is: a private key in a file, or in a PKCS#11 token. */
#include "base/file.h"
#include "cli/envelope.h"
#include "cli/envelope_sealed.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <limits.h>
#include <stdlib.h>

#define MAX_KEY_FILE 16384

void
bm_envelope_key_done(struct bm_envelope_key *key)
{
    EVP_PKEY_free(key->file);
    bm_p11_close(&key->token);
    *key = (struct bm_envelope_key){ .file = NULL };
}

/* Keys with a passphrase are not asked for: nothing prompts. */
static int
no_passphrase(char *buf, int size, int writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

enum bm_rc
bm_envelope_key_parse(struct bm_envelope_key *ret_key, struct bm_bytes pem, struct bm_fail *fail)
{
    BIO *bio = pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

    BIO_free(bio);
    if (key == NULL) {
        ERR_clear_error();
        return bm_fail(fail, BM_EINPUT, NULL, "the key to open the envelope with must be a private key in PEM, without a passphrase");
    }
    *ret_key = (struct bm_envelope_key){ .file = key };
    return BM_OK;
}

static enum bm_rc
token_key_open(struct bm_envelope_key *key, const char *uri, struct bm_fail *fail)
{
    CK_KEY_TYPE type = 0;
    enum bm_rc rc;

    if ((rc = bm_p11_open(&key->token, BM_P11_ROOT, uri + sizeof(BM_P11_SCHEME) - 1, fail)) == BM_OK)
        rc = bm_p11_private_find(&key->token, &key->private, &type, fail);
    if (rc == BM_OK && type != CKK_RSA && type != CKK_EC)
        rc = bm_fail(fail, BM_EINPUT, NULL, "the token's key is neither RSA nor EC: it opens nothing");
    if (rc != BM_OK)
        bm_fail_prefix(fail, "--decrypt"); /* its sentences are worded for a device's root */
    key->in_token = true;
    key->is_rsa = type == CKK_RSA;
    return rc;
}

enum bm_rc
bm_envelope_key_open(struct bm_envelope_key *ret_key, const char *word, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = MAX_KEY_FILE };
    enum bm_rc rc;

    *ret_key = (struct bm_envelope_key){ .file = NULL };
    if (strncmp(word, BM_P11_SCHEME, sizeof(BM_P11_SCHEME) - 1) == 0)
        return token_key_open(ret_key, word, fail);
    if ((rc = bm_file_read(&pem, word, fail)) != BM_OK)
        return rc;
    return bm_envelope_key_parse(ret_key, bm_buf_bytes(&pem), fail);
}

/* ---- what a token does ---- */

static enum bm_rc
token_rsa(void *ctx, struct bm_bytes sealed, struct bm_buf *key, struct bm_fail *fail)
{
    const struct bm_envelope_key *with = ctx;

    return bm_p11_oaep_open(&with->token, with->private, sealed, key, fail);
}

static enum bm_rc
token_ecdh(void *ctx, struct bm_bytes point, struct bm_buf *secret, struct bm_fail *fail)
{
    const struct bm_envelope_key *with = ctx;

    return bm_p11_ecdh(&with->token, with->private, point, secret, fail);
}

enum bm_rc
bm_envelope_open(struct bm_buf *content, struct bm_bytes envelope, struct bm_envelope_key *key, struct bm_progress *progress,
                 struct bm_fail *fail)
{
    const struct bm_unseal unseal = { .rsa = key->is_rsa ? token_rsa : NULL, .ecdh = key->is_rsa ? NULL : token_ecdh, .ctx = key };

    if (!key->in_token)
        return bm_envelope_open_cms(content, envelope, key->file, progress, fail);
    return bm_sealed_open(content, envelope, &unseal, progress, fail);
}
