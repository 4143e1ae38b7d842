/* token_pkcs11.c - a CA's key in a PKCS#11 token: loaded, found and logged into before confinement; C_Sign called directly after it. */
#include "p11/p11.h"
#include "signer/token.h"

#include <stdlib.h>

#define MAX_CONF 65536
#define SOFTHSM_CONF "/etc/softhsm/softhsm2.conf"

struct p11_token {
    struct bm_token token; /* first */
    struct bm_p11 p11;
    CK_OBJECT_HANDLE private;
};

static void
p11_close(struct bm_token *token)
{
    struct p11_token *p11 = (struct p11_token *)(void *)token;

    bm_p11_close(&p11->p11);
    free(p11);
}

static void
p11_done(struct p11_token **p11)
{
    if (*p11 != NULL)
        p11_close(&(*p11)->token);
}

/* The one private key that the URI's object and id name. */
static enum bm_rc
private_find(struct p11_token *p11, struct bm_fail *fail)
{
    const struct bm_p11 *in = &p11->p11;
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    size_t n;
    enum bm_rc rc;

    if ((rc = bm_p11_find(in, CKO_PRIVATE_KEY, in->label[0] != 0 ? in->label : NULL, bm_bytes(in->id, in->nid), found, &n, fail)) != BM_OK)
        return rc;
    if (n != 1)
        return bm_fail(fail, BM_EBUSY, NULL, "%s matches the PKCS#11 URI of a CA: correct object=, id= or the PIN in site.conf",
                       n == 0 ? "no private key" : "more than one private key");
    p11->private = found[0];
    return BM_OK;
}

/* SoftHSM opens files of its token directory while it signs; others keep to themselves. Its configuration says where. */
static enum bm_rc
softhsm_dir(struct p11_token *p11, struct bm_fail *fail)
{
    static const char key[] = "directories.tokendir";
    bm_cleanup(bm_buf_done) struct bm_buf conf = { .max = MAX_CONF };
    const char *path = secure_getenv("SOFTHSM2_CONF"), *line, *value;
    size_t n;
    enum bm_rc rc;

    if (strstr(p11_kit_uri_get_module_path(p11->p11.uri), "softhsm") == NULL)
        return BM_OK;
    if ((rc = bm_file_read(&conf, path != NULL ? path : SOFTHSM_CONF, fail)) != BM_OK)
        return rc;
    bm_buf_add_u8(&conf, 0);
    if ((rc = bm_buf_check(&conf, "SoftHSM's configuration", fail)) != BM_OK)
        return rc;
    for (line = (const char *)conf.p; *line != 0; line += strcspn(line, "\n"), line += *line == '\n') {
        if (strncmp(line, key, sizeof(key) - 1) != 0)
            continue;
        value = line + sizeof(key) - 1;
        value += strspn(value, " \t=");
        n = strcspn(value, " \t\r\n");
        if (n > 0 && n < sizeof(p11->token.dir)) {
            memcpy(p11->token.dir, value, n);
            p11->token.dir[n] = 0;
            return BM_OK;
        }
    }
    return bm_fail(fail, BM_EBUSY, NULL, "SoftHSM's configuration names no %s: set SOFTHSM2_CONF", key);
}

static enum bm_rc
p11_open(struct bm_token **ret_token, const char *rest, const char *home, const struct bm_key *key, struct bm_fail *fail)
{
    bm_cleanup(p11_done) struct p11_token *p11 = calloc(1, sizeof(*p11));
    enum bm_rc rc;

    (void)home;
    if (p11 == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a token");
    if (key->alg != BM_KEY_P256 && key->alg != BM_KEY_P384)
        return bm_fail(fail, BM_EINPUT, NULL, "a CA's key in a token must be P-256 or P-384");
    p11->token.ops = &bm_token_pkcs11;
    p11->token.key = key;
    p11->token.alg = key->alg == BM_KEY_P256 ? BM_SIG_ECDSA_SHA256 : BM_SIG_ECDSA_SHA384;
    if ((rc = bm_p11_open(&p11->p11, BM_P11_CA, rest, fail)) != BM_OK || (rc = private_find(p11, fail)) != BM_OK ||
        (rc = softhsm_dir(p11, fail)) != BM_OK)
        return rc;
    *ret_token = &bm_take(p11)->token;
    return BM_OK;
}

static enum bm_rc
p11_sign(struct bm_token *token, struct bm_bytes tbs, struct bm_buf *signature, struct bm_fail *fail)
{
    const struct p11_token *p11 = (const struct p11_token *)(const void *)token;

    return bm_p11_sign(&p11->p11, p11->private, token->alg, tbs, signature, fail);
}

const struct bm_token_ops bm_token_pkcs11 = { .scheme = "pkcs11", .open = p11_open, .close = p11_close, .sign = p11_sign };
