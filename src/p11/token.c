#include "p11/p11.h"

#include "base/file.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so" /* where Debian puts the software token */

/* What depends on whose token it is. */
static const struct {
    const char *uri;        /* what the URI is called */
    const char *cannot;     /* begins the sentence about an error without a reason below ... */
    const char *then;       /* ... and ends it */
    const char *no_load;    /* how to correct a module that cannot be loaded */
    const char *no_symbols; /* ... and one that is none */
} words[] = {
    [BM_P11_ROOT] = { "the root's PKCS#11 URI", "the token cannot", "try again, then see the token's own log",
                      "cannot be loaded: name yours with module-path=FILE in the URI or in BM_PKCS11_MODULE", "" },
    [BM_P11_CA] = { "the PKCS#11 URI of a CA's key", "the CA's token can't", "see the token's own log",
                    "can't be loaded: correct module-path in site.conf", ": correct module-path in site.conf" },
};

#define WRONG_PIN(where) "the token refuses the PIN: correct pin-value or pin-source in " where " (a few wrong ones lock the token)"
#define ROOT_PIN WRONG_PIN("the root's URI")
#define CA_PIN WRONG_PIN("site.conf")
#define LOCKED "the token's PIN is locked: unlock it with the security officer's PIN"
#define GONE "the token is gone: plug it in again"

/* What the reader can do about a return value; the rest is named by its number. */
static const struct {
    CK_RV rv;
    const char *sentence[2]; /* by use */
    const char *cite;
} reasons[] = {
    { CKR_PIN_INCORRECT, { ROOT_PIN, CA_PIN }, BM_P11_PIN },
    { CKR_PIN_LEN_RANGE, { ROOT_PIN, CA_PIN }, BM_P11_PIN },
    { CKR_PIN_INVALID, { ROOT_PIN, CA_PIN }, BM_P11_PIN },
    { CKR_PIN_LOCKED, { LOCKED, LOCKED }, NULL },
    { CKR_PIN_EXPIRED, { "the token's PIN has expired: set a new one", NULL }, NULL },
    { CKR_USER_PIN_NOT_INITIALIZED, { "the token has no user PIN yet: set one with the token's own tool", NULL }, NULL },
    { CKR_USER_NOT_LOGGED_IN,
      { "the token is locked: add pin-source=FILE or pin-value=PIN to the root's URI",
        "the token is locked: add pin-source=FILE to the CA's URI in site.conf" },
      NULL },
    { CKR_DEVICE_MEMORY, { "the token is full: delete what it no longer needs", NULL }, NULL },
    { CKR_HOST_MEMORY, { "no memory", NULL }, NULL },
    { CKR_DEVICE_REMOVED, { GONE, GONE }, NULL },
    { CKR_TOKEN_NOT_PRESENT, { GONE, GONE }, NULL },
    { CKR_TOKEN_WRITE_PROTECTED, { "the token is write-protected", NULL }, NULL },
    { CKR_SESSION_HANDLE_INVALID, { "the token was reset: try again", NULL }, NULL },
    { CKR_SESSION_COUNT, { "the token has no session left: close other programs that use it", NULL }, NULL },
    { CKR_KEY_FUNCTION_NOT_PERMITTED,
      { "the token's key may not be used for this: make one that may (pkcs11-tool --usage-...)", NULL },
      NULL },
    { CKR_MECHANISM_INVALID, { "the token cannot do ECDSA on P-256", NULL }, NULL },
    { CKR_OBJECT_HANDLE_INVALID, { "the token's objects changed meanwhile: try again", NULL }, NULL },
};

enum bm_rc
bm_p11_fail(const struct bm_p11 *token, CK_RV rv, const char *what, struct bm_fail *fail)
{
    for (size_t i = 0; i < BM_COUNT(reasons); i++) {
        if (reasons[i].rv == rv && reasons[i].sentence[token->use] != NULL)
            return bm_fail(fail, BM_EBUSY, reasons[i].cite, "%s", reasons[i].sentence[token->use]);
    }
    return bm_fail(fail, BM_EBUSY, NULL, "%s %s (PKCS#11 error 0x%lx): %s", words[token->use].cannot, what, rv, words[token->use].then);
}

const char *
bm_p11_module(void)
{
    const char *path = secure_getenv("BM_PKCS11_MODULE");

    return path != NULL ? path : SOFTHSM;
}

static enum bm_rc
uri_refuse(const struct bm_p11 *token, int bad, struct bm_fail *fail)
{
    if (token->use == BM_P11_CA)
        return bm_fail(fail, BM_EINPUT, "RFC 7512 2",
                       "site.conf: the PKCS#11 URI of a CA's key is malformed, or has an attribute that is not known here");
    if (bad != P11_KIT_URI_OK)
        return bm_fail(fail, BM_EINPUT, "RFC 7512 2", "the root's PKCS#11 URI is malformed: %s", p11_kit_uri_message(bad));
    return bm_fail(fail, BM_EINPUT, "RFC 7512 2",
                   "the root's PKCS#11 URI has an attribute that we do not know: use token, serial, object, id, module-path, "
                   "pin-value, pin-source");
}

static enum bm_rc
uri_parse(struct bm_p11 *token, const char *rest, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf whole = { .max = BM_MAX_NOTE };
    const char *what = words[token->use].uri;
    CK_ATTRIBUTE *attr;
    enum bm_rc rc;
    int bad;

    bm_buf_add_fmt(&whole, "pkcs11:%s", rest);
    bm_buf_add_u8(&whole, 0);
    if ((rc = bm_buf_check(&whole, what, fail)) != BM_OK)
        return rc;
    if ((token->uri = p11_kit_uri_new()) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a PKCS#11 URI");
    bad = p11_kit_uri_parse((const char *)whole.p, P11_KIT_URI_FOR_ANY, token->uri);
    if (bad != P11_KIT_URI_OK || p11_kit_uri_any_unrecognized(token->uri))
        return uri_refuse(token, bad, fail);
    if ((attr = p11_kit_uri_get_attribute(token->uri, CKA_LABEL)) != NULL) {
        if (attr->ulValueLen == 0 || attr->ulValueLen > BM_MAX_NAME)
            return bm_fail(fail, BM_EINPUT, NULL, "%s names an object of 0 or more than %d characters", what, BM_MAX_NAME);
        (void)snprintf(token->label, sizeof(token->label), "%.*s", (int)attr->ulValueLen, (const char *)attr->pValue);
    }
    if ((attr = p11_kit_uri_get_attribute(token->uri, CKA_ID)) != NULL) {
        if (attr->ulValueLen > BM_P11_ID)
            return bm_fail(fail, BM_EINPUT, NULL, "%s has an id longer than %d bytes", what, BM_P11_ID);
        memcpy(token->id, attr->pValue, attr->ulValueLen);
        token->nid = attr->ulValueLen;
    }
    return BM_OK;
}

static enum bm_rc
module_load(struct bm_p11 *token, struct bm_fail *fail)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    CK_RV (*list)(CK_FUNCTION_LIST **);
    const char *path = p11_kit_uri_get_module_path(token->uri);
    void *module, *symbol;
    CK_RV rv;

    if (path == NULL && token->use == BM_P11_CA)
        return bm_fail(fail, BM_EINPUT, NULL, "site.conf: %s names no module: add module-path=FILE", words[token->use].uri);
    if (path == NULL)
        path = bm_p11_module();
    /* NODELETE and no C_Finalize: modules crash when they are unloaded under another user of theirs in this program */
    if ((module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) == NULL)
        return bm_fail(fail, BM_EBUSY, NULL, "the PKCS#11 module %s %s", path, words[token->use].no_load);
    if ((symbol = dlsym(module, "C_GetFunctionList")) == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "%s is no PKCS#11 module%s", path, words[token->use].no_symbols);
    memcpy(&list, &symbol, sizeof(list)); /* ISO C has no cast from void * to a function */
    if ((rv = list(&token->fn)) != CKR_OK)
        return bm_p11_fail(token, rv, "be reached", fail);
    rv = token->fn->C_Initialize(&args);
    return rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? BM_OK : bm_p11_fail(token, rv, "be initialised", fail);
}

/* The one token that the URI names. */
static enum bm_rc
slot_find(struct bm_p11 *token, CK_SLOT_ID *ret_slot, CK_TOKEN_INFO *ret_info, struct bm_fail *fail)
{
    CK_SLOT_ID slots[256];
    CK_ULONG n = BM_COUNT(slots);
    const char *what = words[token->use].uri;
    unsigned matches = 0;
    CK_RV rv;

    if ((rv = token->fn->C_GetSlotList(CK_TRUE, slots, &n)) != CKR_OK)
        return bm_p11_fail(token, rv, "list its slots", fail);
    for (CK_ULONG i = 0; i < n; i++) {
        CK_TOKEN_INFO info;

        if (token->fn->C_GetTokenInfo(slots[i], &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED) ||
            !p11_kit_uri_match_token_info(token->uri, &info))
            continue;
        *ret_slot = slots[i];
        *ret_info = info;
        matches++;
    }
    if (matches == 1)
        return BM_OK;
    if (token->use == BM_P11_CA)
        return bm_fail(fail, BM_EBUSY, NULL, "%u tokens match %s: plug it in, or name it with token= or serial=", matches, what);
    if (matches == 0)
        return bm_fail(fail, BM_EBUSY, NULL, "no token matches %s: plug it in, or correct token= or serial=", what);
    return bm_fail(fail, BM_EINPUT, NULL, "%u tokens match %s: name one with token= or serial=", matches, what);
}

/* pin-source is a file's path or a file: URI; the PIN is its first line. */
static enum bm_rc
pin_read(struct bm_buf *pin, const P11KitUri *uri, struct bm_fail *fail)
{
    const char *value = p11_kit_uri_get_pin_value(uri);
    const char *source = p11_kit_uri_get_pin_source(uri);
    enum bm_rc rc;

    if (value != NULL)
        bm_buf_add_str(pin, value);
    else if (source != NULL) {
        if (strncmp(source, "file:", 5) == 0)
            source += strncmp(source, "file://", 7) == 0 ? 7 : 5;
        if ((rc = bm_file_read(pin, source, fail)) != BM_OK) {
            bm_fail_prefix(fail, "pin-source");
            return rc;
        }
        for (size_t i = 0; i < pin->n; i++) {
            if (pin->p[i] == '\n' || pin->p[i] == '\r')
                pin->n = i;
        }
    }
    return bm_buf_check(pin, "the PIN", fail);
}

static enum bm_rc
login(struct bm_p11 *token, CK_FLAGS flags, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pin = { .max = 256 };
    enum bm_rc rc;
    CK_RV rv;

    if ((rc = pin_read(&pin, token->uri, fail)) != BM_OK)
        return rc;
    if (!(flags & CKF_LOGIN_REQUIRED) || (pin.n == 0 && token->use == BM_P11_CA))
        return BM_OK;
    if (flags & CKF_USER_PIN_LOCKED)
        return bm_p11_fail(token, CKR_PIN_LOCKED, "log in", fail);
    if (pin.n == 0 && !(flags & CKF_PROTECTED_AUTHENTICATION_PATH))
        return bm_p11_fail(token, CKR_USER_NOT_LOGGED_IN, "log in", fail);
    if (flags & CKF_USER_PIN_FINAL_TRY) /* a person may know better; a timer must not lock it */
        return bm_fail(fail, BM_EBUSY, NULL,
                       "the token has one try of its PIN left: correct the PIN's file, then log in once with the token's own tool");
    rv = token->fn->C_Login(token->session, CKU_USER, pin.n == 0 ? NULL : pin.p, pin.n);
    return rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN ? BM_OK : bm_p11_fail(token, rv, "log in", fail);
}

static enum bm_rc
token_open(struct bm_p11 *token, const char *rest, struct bm_fail *fail)
{
    CK_TOKEN_INFO info;
    CK_SLOT_ID slot;
    CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    size_t n = sizeof(info.serialNumber);
    enum bm_rc rc;
    CK_RV rv;

    if ((rc = uri_parse(token, rest, fail)) != BM_OK || (rc = module_load(token, fail)) != BM_OK ||
        (rc = slot_find(token, &slot, &info, fail)) != BM_OK)
        return rc;
    while (n > 0 && (info.serialNumber[n - 1] == ' ' || info.serialNumber[n - 1] == '\0'))
        n--;
    (void)snprintf(token->serial, sizeof(token->serial), "%.*s", (int)n, (const char *)info.serialNumber);
    if ((info.flags & CKF_WRITE_PROTECTED) || token->use == BM_P11_CA)
        flags = CKF_SERIAL_SESSION;
    if ((rv = token->fn->C_OpenSession(slot, flags, NULL, NULL, &token->session)) != CKR_OK)
        return bm_p11_fail(token, rv, "open a session", fail);
    token->opened = true;
    return login(token, info.flags, fail);
}

enum bm_rc
bm_p11_open(struct bm_p11 *ret_token, enum bm_p11_use use, const char *rest, struct bm_fail *fail)
{
    struct bm_p11 token = { .use = use };
    enum bm_rc rc = token_open(&token, rest, fail);

    if (rc != BM_OK) {
        bm_p11_close(&token);
        return rc;
    }
    *ret_token = token;
    return BM_OK;
}

void
bm_p11_close(struct bm_p11 *token)
{
    if (token->opened)
        (void)token->fn->C_CloseSession(token->session);
    token->opened = false;
    p11_kit_uri_free(token->uri);
    token->uri = NULL;
}
