/* token_pkcs11.c - a CA's key in a PKCS#11 token: loaded, found and logged into before confinement; C_Sign called directly after it. */
#include "base/base.h"
#include "signer/token.h"

#include "wire/der.h"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <stdlib.h>

#define MAX_SLOTS 256
#define MAX_PIN 256
#define MAX_CONF 65536
#define SOFTHSM_CONF "/etc/softhsm/softhsm2.conf"

struct p11_token {
    struct bm_token token; /* first */
    CK_FUNCTION_LIST *fn;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE private;
    P11KitUri *uri;
    bool opened;
};

static enum bm_rc
p11_fail(CK_RV rv, const char *what, struct bm_fail *fail)
{
    static const struct {
        CK_RV rv;
        const char *sentence;
    } reasons[] = {
        { CKR_PIN_INCORRECT, "the token refuses the PIN: correct pin-value or pin-source in site.conf (a few wrong ones lock the token)" },
        { CKR_PIN_LEN_RANGE, "the token refuses the PIN: correct pin-value or pin-source in site.conf (a few wrong ones lock the token)" },
        { CKR_PIN_LOCKED, "the token's PIN is locked: unlock it with the security officer's PIN" },
        { CKR_USER_NOT_LOGGED_IN, "the token is locked: add pin-source=FILE to the CA's URI in site.conf" },
        { CKR_DEVICE_REMOVED, "the token is gone: plug it in again and start the server again" },
        { CKR_TOKEN_NOT_PRESENT, "the token is gone: plug it in again and start the server again" },
    };

    for (size_t i = 0; i < BM_COUNT(reasons); i++)
        if (reasons[i].rv == rv)
            return bm_fail(fail, BM_EBUSY, NULL, "%s", reasons[i].sentence);
    return bm_fail(fail, BM_EBUSY, NULL, "the CA's token can't %s (PKCS#11 error 0x%lx): see the token's own log", what, rv);
}

static void
p11_close(struct bm_token *token)
{
    struct p11_token *p11 = (struct p11_token *)(void *)token;

    /* No C_Finalize and no unloading: modules crash in it, and the other CA may use the same module. */
    if (p11->opened)
        (void)p11->fn->C_CloseSession(p11->session);
    if (p11->uri != NULL)
        p11_kit_uri_free(p11->uri);
    free(p11);
}

static void
p11_done(struct p11_token **p11)
{
    if (*p11 != NULL)
        p11_close(&(*p11)->token);
}

static enum bm_rc
uri_parse(struct p11_token *p11, const char *rest, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf whole = { .max = 2048 };
    enum bm_rc rc;

    bm_buf_add_fmt(&whole, "pkcs11:%s", rest);
    bm_buf_add_u8(&whole, 0);
    if ((rc = bm_buf_check(&whole, "a CA's PKCS#11 URI", fail)) != BM_OK)
        return rc;
    if ((p11->uri = p11_kit_uri_new()) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a PKCS#11 URI");
    if (p11_kit_uri_parse((const char *)whole.p, P11_KIT_URI_FOR_ANY, p11->uri) != P11_KIT_URI_OK || p11_kit_uri_any_unrecognized(p11->uri))
        return bm_fail(fail, BM_EINPUT, "RFC 7512 2",
                       "site.conf: the PKCS#11 URI of a CA's key is malformed, or has an attribute that is not "
                       "known here");
    if (p11_kit_uri_get_module_path(p11->uri) == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "site.conf: the PKCS#11 URI of a CA's key names no module: add module-path=FILE");
    return BM_OK;
}

static enum bm_rc
module_load(struct p11_token *p11, struct bm_fail *fail)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    const char *path = p11_kit_uri_get_module_path(p11->uri);
    CK_RV (*list)(CK_FUNCTION_LIST **);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE), *symbol;
    CK_RV rv;

    if (module == NULL)
        return bm_fail(fail, BM_EBUSY, NULL, "the PKCS#11 module %s can't be loaded: correct module-path in site.conf", path);
    if ((symbol = dlsym(module, "C_GetFunctionList")) == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "%s is no PKCS#11 module: correct module-path in site.conf", path);
    memcpy(&list, &symbol, sizeof(list)); /* ISO C has no cast from void * to a function */
    if ((rv = list(&p11->fn)) != CKR_OK)
        return p11_fail(rv, "be reached", fail);
    rv = p11->fn->C_Initialize(&args);
    return rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? BM_OK : p11_fail(rv, "be initialised", fail);
}

static enum bm_rc
slot_find(const struct p11_token *p11, CK_SLOT_ID *ret_slot, struct bm_fail *fail)
{
    CK_SLOT_ID slots[MAX_SLOTS];
    CK_ULONG n = MAX_SLOTS;
    unsigned matches = 0;
    CK_RV rv = p11->fn->C_GetSlotList(CK_TRUE, slots, &n);

    if (rv != CKR_OK)
        return p11_fail(rv, "list its slots", fail);
    for (CK_ULONG i = 0; i < n; i++) {
        CK_TOKEN_INFO info;

        if (p11->fn->C_GetTokenInfo(slots[i], &info) != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0 ||
            !p11_kit_uri_match_token_info(p11->uri, &info))
            continue;
        *ret_slot = slots[i];
        matches++;
    }
    if (matches != 1)
        return bm_fail(fail, BM_EBUSY, NULL,
                       "%u tokens match the PKCS#11 URI of a CA's key: plug it in, or name it with token= or serial=", matches);
    return BM_OK;
}

/* pin-source is a file's path or file: URI; the PIN is its first line. */
static enum bm_rc
pin_read(const P11KitUri *uri_const, struct bm_buf *pin, struct bm_fail *fail)
{
    const char *value = p11_kit_uri_get_pin_value(uri_const), *source = p11_kit_uri_get_pin_source(uri_const);
    enum bm_rc rc;

    if (value != NULL) {
        bm_buf_add_str(pin, value);
    } else if (source != NULL) {
        if (strncmp(source, "file:", 5) == 0)
            source += strncmp(source, "file://", 7) == 0 ? 7 : 5;
        if ((rc = bm_file_read(pin, source, fail)) != BM_OK) {
            bm_fail_prefix(fail, "pin-source");
            return rc;
        }
        for (size_t i = 0; i < pin->n; i++)
            if (pin->p[i] == '\n' || pin->p[i] == '\r')
                pin->n = i;
    }
    return bm_buf_check(pin, "the PIN", fail);
}

static enum bm_rc
session_open(struct p11_token *p11, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pin = { .max = MAX_PIN };
    CK_SLOT_ID slot = 0;
    enum bm_rc rc;
    CK_RV rv;

    if ((rc = slot_find(p11, &slot, fail)) != BM_OK || (rc = pin_read(p11->uri, &pin, fail)) != BM_OK)
        return rc;
    if ((rv = p11->fn->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &p11->session)) != CKR_OK)
        return p11_fail(rv, "open a session", fail);
    p11->opened = true;
    if (pin.n == 0)
        return BM_OK;
    rv = p11->fn->C_Login(p11->session, CKU_USER, pin.p, pin.n);
    return rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN ? BM_OK : p11_fail(rv, "log in", fail);
}

/* The one private key that the URI's object and id name. */
static enum bm_rc
private_find(struct p11_token *p11, struct bm_fail *fail)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted[3] = { { CKA_CLASS, &class, sizeof(class) } }, *attr;
    CK_OBJECT_HANDLE found[2];
    CK_ULONG n = 1, nfound = 0;
    CK_RV rv;

    if ((attr = p11_kit_uri_get_attribute(p11->uri, CKA_LABEL)) != NULL)
        wanted[n++] = *attr;
    if ((attr = p11_kit_uri_get_attribute(p11->uri, CKA_ID)) != NULL)
        wanted[n++] = *attr;
    if ((rv = p11->fn->C_FindObjectsInit(p11->session, wanted, n)) == CKR_OK) {
        rv = p11->fn->C_FindObjects(p11->session, found, BM_COUNT(found), &nfound);
        (void)p11->fn->C_FindObjectsFinal(p11->session);
    }
    if (rv != CKR_OK)
        return p11_fail(rv, "look for its keys", fail);
    if (nfound != 1)
        return bm_fail(fail, BM_EBUSY, NULL, "%s matches the PKCS#11 URI of a CA: correct object=, id= or the PIN in site.conf",
                       nfound == 0 ? "no private key" : "more than one private key");
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

    if (strstr(p11_kit_uri_get_module_path(p11->uri), "softhsm") == NULL)
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
    if ((rc = uri_parse(p11, rest, fail)) != BM_OK || (rc = module_load(p11, fail)) != BM_OK || (rc = session_open(p11, fail)) != BM_OK ||
        (rc = private_find(p11, fail)) != BM_OK || (rc = softhsm_dir(p11, fail)) != BM_OK)
        return rc;
    *ret_token = &bm_take(p11)->token;
    return BM_OK;
}

/* CKM_ECDSA signs a hash and gives r and s side by side; certificates carry them as DER (RFC 3279 2.2.3). */
static enum bm_rc
p11_sign(struct bm_token *token, struct bm_bytes tbs, struct bm_buf *signature, struct bm_fail *fail)
{
    struct p11_token *p11 = (struct p11_token *)(void *)token;
    CK_MECHANISM ecdsa = { .mechanism = CKM_ECDSA };
    uint8_t hash[EVP_MAX_MD_SIZE], raw[BM_MAX_SIGNATURE];
    size_t nhash = 0, at;
    CK_ULONG n = sizeof(raw);
    CK_RV rv;

    if (EVP_Q_digest(NULL, token->alg == BM_SIG_ECDSA_SHA256 ? "SHA256" : "SHA384", NULL, tbs.p, tbs.n, hash, &nhash) != 1)
        return bm_fail(fail, BM_ENOMEM, NULL, "libcrypto could not hash: there may be no memory");
    if ((rv = p11->fn->C_SignInit(p11->session, &ecdsa, p11->private)) != CKR_OK ||
        (rv = p11->fn->C_Sign(p11->session, hash, nhash, raw, &n)) != CKR_OK)
        return p11_fail(rv, "sign", fail);
    if (n == 0 || n % 2 != 0)
        return bm_fail(fail, BM_EBUG, NULL, "the CA's token gave a signature of %lu bytes", n);
    at = bm_der_begin(signature, BM_DER_SEQUENCE);
    bm_der_add_positive(signature, bm_bytes(raw, n / 2));
    bm_der_add_positive(signature, bm_bytes(raw + n / 2, n / 2));
    bm_der_end(signature, at);
    return bm_buf_check(signature, "a signature", fail);
}

const struct bm_token_ops bm_token_pkcs11 = { .scheme = "pkcs11", .open = p11_open, .close = p11_close, .sign = p11_sign };
