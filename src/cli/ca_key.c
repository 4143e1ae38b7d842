/* ca_key.c - the key of a CA that is to be made: made where the signer will find it, with the request that the root signs. */
#include "cli/ca_kept.h"
#include "cli/ceremony_key.h"
#include "cli/places.h"
#include "cli/token.h"
#include "pki/csr.h"
#include "pki/private.h"

#include <unistd.h>

static enum bm_rc
bytes_put(const struct bm_call *call, const char *place, const char *name, const struct bm_buf *bytes, unsigned mode, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_buf_check(bytes, place, fail)) != BM_OK || (rc = bm_place_path(path, call->home, place, name, fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(bytes), mode, fail);
}

static enum bm_rc
request_put(const struct bm_call *call, const char *name, const struct bm_ceremony_key *key, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf info = { .max = BM_MAX_CSR }, signature = { .max = BM_MAX_SIGNATURE };
    bm_cleanup(bm_buf_done) struct bm_buf csr = { .max = BM_MAX_CSR }, pem = { .max = 2 * BM_MAX_CSR };
    enum bm_rc rc;

    bm_csr_info_build(&info, bm_key_spki(&key->public), name);
    if ((rc = bm_buf_check(&info, "the request", fail)) != BM_OK ||
        (rc = bm_ceremony_key_sign(key, bm_buf_bytes(&info), &signature, fail)) != BM_OK)
        return rc;
    bm_csr_build(&csr, bm_buf_bytes(&info), bm_key_sig_alg(key->public.alg), bm_buf_bytes(&signature));
    bm_pem_build(&pem, "CERTIFICATE REQUEST", bm_buf_bytes(&csr));
    return bytes_put(call, BM_PLACE_CA_CSR, name, &pem, 0644, fail);
}

/* In a file. */
static enum bm_rc
file_make(struct bm_ceremony_key *key, struct bm_site_ca *line, const char *name, const struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    char path[BM_PATH];
    enum bm_rc rc;

    (void)snprintf(line->key, sizeof(line->key), "file:" BM_PLACE_CA_KEY, name);
    if ((rc = bm_place_path(path, call->home, BM_PLACE_CA_KEY, name, fail)) != BM_OK)
        return rc;
    if (access(path, F_OK) == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s is there already, and site.conf does not name it: take another name, or move it away",
                       path);
    if ((rc = bm_private_generate(&key->file, BM_KEY_P256, fail)) != BM_OK || (rc = bm_private_build(&pem, key->file, fail)) != BM_OK)
        return rc;
    key->public = *bm_private_public(key->file);
    return bytes_put(call, BM_PLACE_CA_KEY, name, &pem, 0600, fail);
}

static enum bm_rc
token_make(struct bm_ceremony_key *key, struct bm_site_ca *line, struct bm_call *call, const char *token, struct bm_fail *fail)
{
    char label[BM_MAX_NAME + 16];
    enum bm_rc rc;

    (void)snprintf(label, sizeof(label), "birthmark-%s", line->name);
    if ((rc = bm_token_uri(call, line->key, sizeof(line->key), token, label, fail)) != BM_OK ||
        (rc = bm_token_key_make(line->key, label, &key->public, fail)) != BM_OK)
        return rc;
    (void)snprintf(key->uri, sizeof(key->uri), "%s", line->key);
    return BM_OK;
}

enum bm_rc
bm_ca_key_make(bool *ret_made, struct bm_call *call, const char *name, enum bm_ca kind, const char *token, struct bm_fail *fail)
{
    bm_cleanup(bm_ceremony_key_done) struct bm_ceremony_key key = { .uri = "" };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_SITE };
    bm_cleanup(bm_site_free) struct bm_site *site = NULL;
    struct bm_site_ca *line;
    enum bm_rc rc = bm_site_read(&site, call->home, fail);

    *ret_made = false;
    if (rc != BM_OK || bm_site_ca_find(site, name) != NULL)
        return rc;
    if (site->nca == BM_MAX_CAS)
        return bm_fail(fail, BM_EPOLICY, NULL, "site.conf names %d CAs, and no site has more", BM_MAX_CAS);
    line = &site->ca[site->nca++];
    (void)snprintf(line->name, sizeof(line->name), "%s", name);
    line->kind = kind;
    rc = token == NULL ? file_make(&key, line, name, call, fail) : token_make(&key, line, call, token, fail);
    if (rc != BM_OK || (rc = request_put(call, name, &key, fail)) != BM_OK)
        return rc;
    bm_site_build(&text, site);
    *ret_made = true;
    return bytes_put(call, BM_PLACE_SITE, "", &text, 0600, fail);
}
