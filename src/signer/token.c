#include "base/base.h"
#include "signer/token.h"

static const struct bm_token_ops *const backends[] = { &bm_token_file, &bm_token_pkcs11 };

/* Not a certificate, nor a CRL, nor anything that anybody takes. */
static enum bm_rc
key_try(struct bm_token *token, struct bm_crypto *crypto, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    enum bm_rc rc = bm_token_sign(token, bm_bytes_str("birthmark/token-test/v1\n"), &signature, crypto, fail);

    if (rc == BM_EBUG)
        return bm_fail(fail, BM_EBUSY, NULL, "a CA's key is not the one of its certificate: put the right key or certificate back");
    return rc;
}

enum bm_rc
bm_token_open(struct bm_token **ret_token, const char *uri, const char *home, const struct bm_key *key, struct bm_crypto *crypto,
              struct bm_fail *fail)
{
    const struct bm_token_ops *ops = NULL;
    struct bm_token *token = NULL;
    size_t n = 0;
    enum bm_rc rc;

    for (size_t i = 0; i < BM_COUNT(backends) && ops == NULL; i++) {
        n = strlen(backends[i]->scheme);
        if (strncmp(uri, backends[i]->scheme, n) == 0 && uri[n] == ':')
            ops = backends[i];
    }
    if (ops == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "site.conf: a CA's key is in file:PATH or pkcs11:URI, not in %.40s", uri);
    if ((rc = ops->open(&token, uri + n + 1, home, key, fail)) != BM_OK)
        return rc;
    if ((rc = key_try(token, crypto, fail)) != BM_OK) {
        bm_token_close(token);
        return rc;
    }
    *ret_token = token;
    return BM_OK;
}

void
bm_token_close(struct bm_token *token)
{
    if (token != NULL)
        token->ops->close(token);
}

enum bm_rc
bm_token_sign(struct bm_token *token, struct bm_bytes tbs, struct bm_buf *signature, struct bm_crypto *crypto, struct bm_fail *fail)
{
    size_t before = signature->n;
    enum bm_rc rc;

    if ((rc = token->ops->sign(token, tbs, signature, fail)) != BM_OK)
        return rc;
    if (signature->bad ||
        bm_key_verify(crypto, token->key, token->alg, tbs, bm_bytes(signature->p + before, signature->n - before), fail) != BM_OK)
        return bm_fail(fail, BM_EBUG, NULL, "a signature that the CA's key made does not verify: nothing was issued; see to the token");
    return BM_OK;
}
