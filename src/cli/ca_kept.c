#include "cli/ca_kept.h"

#include "cli/places.h"
#include "cli/server_cert.h"
#include "pki/cert.h"
#include "wire/text.h"

static enum bm_rc
number_ask(struct bm_ask *ask, enum bm_control_message type, unsigned number, struct bm_buf *end, struct bm_fail *fail)
{
    const uint8_t body = (uint8_t)number;

    bm_buf_reset(end);
    end->max = BM_MAX_MESSAGE;
    return bm_ask(ask, type, bm_bytes(&body, 1), NULL, NULL, end, fail);
}

enum bm_rc
bm_ca_ask(struct bm_ask *ask, unsigned number, struct bm_buf *end, struct bm_s_ca *ret_ca, struct bm_fail *fail)
{
    enum bm_rc rc = number_ask(ask, BM_C_CA, number, end, fail);

    return rc != BM_OK ? rc : bm_s_ca_parse(ret_ca, bm_rd(bm_buf_bytes(end)), fail);
}

enum bm_rc
bm_root_ask(struct bm_ask *ask, unsigned number, struct bm_buf *end, struct bm_s_root *ret_root, struct bm_fail *fail)
{
    enum bm_rc rc = number_ask(ask, BM_C_ROOT, number, end, fail);

    return rc != BM_OK ? rc : bm_s_root_parse(ret_root, bm_rd(bm_buf_bytes(end)), fail);
}

enum bm_rc
bm_ca_ask_name(struct bm_ask *ask, const char *name, struct bm_buf *end, struct bm_s_ca *ret_ca, struct bm_fail *fail)
{
    struct bm_s_ca ca = { .n = 1 };
    enum bm_rc rc;

    for (unsigned i = 0; i < ca.n; i++) {
        if ((rc = bm_ca_ask(ask, i, end, &ca, fail)) != BM_OK)
            return rc;
        if (bm_bytes_equal(ca.name, bm_bytes_str(name))) {
            *ret_ca = ca;
            return BM_OK;
        }
    }
    return bm_fail(fail, BM_EPOLICY, NULL, "there is no CA %s here: see birthmark ca show", name);
}

/* ---- files ---- */

static enum bm_rc
pem_put(const struct bm_call *call, const char *place, const char *name, const struct bm_buf *pem, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_buf_check(pem, place, fail)) != BM_OK || (rc = bm_place_path(path, call->home, place, name, fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(pem), 0644, fail);
}

static enum bm_rc
cas_put(struct bm_ask *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf end = { .max = BM_MAX_MESSAGE };
    struct bm_s_ca ca = { .n = 1 };
    char name[BM_MAX_NAME + 1];
    enum bm_rc rc;

    for (unsigned i = 0; i < ca.n; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 2 * BM_MAX_CERT };

        if ((rc = bm_ca_ask(ask, i, &end, &ca, fail)) != BM_OK)
            return rc;
        (void)snprintf(name, sizeof(name), "%.*s", (int)ca.name.n, (const char *)ca.name.p);
        bm_pem_build(&pem, "CERTIFICATE", ca.der);
        if (!bm_name_ok(name, BM_MAX_NAME))
            return bm_fail(fail, BM_EBUG, NULL, "the signer has a CA without a name");
        if ((rc = pem_put(ask->call, BM_PLACE_CA_CERT, name, &pem, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

/* root.pem: the first root first, which is what those read who take one alone; cross.pem: what leads from an older root to a younger one, and back. */
static enum bm_rc
roots_put(struct bm_ask *ask, struct bm_trust *trust, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf end = { .max = BM_MAX_MESSAGE }, roots = { .max = 16 * BM_MAX_CERT },
                                          cross = { .max = 32 * BM_MAX_CERT };
    struct bm_s_root root = { .n = 1 };
    enum bm_rc rc;

    trust->nroots = 0;
    for (unsigned i = 0; i < root.n && i < BM_MAX_ROOTS; i++) {
        if ((rc = bm_root_ask(ask, i, &end, &root, fail)) != BM_OK)
            return rc;
        bm_pem_build(&roots, "CERTIFICATE", root.der);
        bm_sha256(trust->roots[trust->nroots++], root.der);
        if (root.new_with_old.n > 0)
            bm_pem_build(&cross, "CERTIFICATE", root.new_with_old);
        if (root.old_with_new.n > 0)
            bm_pem_build(&cross, "CERTIFICATE", root.old_with_new);
    }
    if ((rc = pem_put(ask->call, BM_PLACE_ROOT_CERT, "", &roots, fail)) != BM_OK || cross.n == 0)
        return rc;
    if ((rc = pem_put(ask->call, BM_PLACE_CROSS, "", &cross, fail)) != BM_OK)
        return rc;
    return bm_server_chain_put(ask->call->home, fail);
}

enum bm_rc
bm_ca_files(struct bm_ask *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 8192 };
    struct bm_trust trust;
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_path_join(path, ask->call->home, BM_PLACE_TRUST, fail)) != BM_OK || (rc = bm_trust_read(&trust, path, fail)) != BM_OK ||
        (rc = cas_put(ask, fail)) != BM_OK || (rc = roots_put(ask, &trust, fail)) != BM_OK)
        return rc;
    bm_trust_build(&text, &trust.ledger, (const uint8_t(*)[BM_HASH])trust.roots, trust.nroots, trust.test);
    if ((rc = bm_buf_check(&text, BM_PLACE_TRUST, fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(&text), 0644, fail);
}
