/* What anybody may know of a site: its state, its description, its revocation lists. */
#include "gate/gate.h"

#include "pki/cert.h"
#include "wire/json.h"

enum bm_rc
bm_serve_named(struct connection *c, struct bm_bytes body, struct bm_fail *fail)
{
    (void)body;
    return bm_ask(c, c->door->asks, bm_bytes_str(c->name), fail);
}

enum bm_rc
bm_answer_der(struct connection *c, struct bm_rd answer, struct bm_fail *fail)
{
    struct bm_bytes der = bm_rd_lv32(&answer, BM_MAX_MESSAGE);

    if (!bm_rd_end(&answer) || der.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the registrar's answer by a CA's name is malformed");
    bm_connection_reply(c, c->door->type, der);
    return BM_OK;
}

enum bm_rc
bm_answer_crl_pem(struct connection *c, struct bm_rd answer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 2 * BM_MAX_MESSAGE };
    struct bm_bytes der = bm_rd_lv32(&answer, BM_MAX_MESSAGE);
    enum bm_rc rc;

    if (!bm_rd_end(&answer) || der.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the registrar's list is malformed");
    bm_pem_build(&pem, "X509 CRL", der);
    if ((rc = bm_buf_check(&pem, "the list", fail)) == BM_OK)
        bm_connection_reply(c, "application/x-pem-file", bm_buf_bytes(&pem));
    return rc;
}

enum bm_rc
bm_serve_health(struct connection *c, struct bm_bytes body, struct bm_fail *fail)
{
    (void)body;
    return bm_ask(c, BM_G_HEALTH, bm_bytes(NULL, 0), fail);
}

enum bm_rc
bm_serve_site(struct connection *c, struct bm_bytes body, struct bm_fail *fail)
{
    (void)body;
    return bm_ask(c, BM_G_SITE, bm_bytes(NULL, 0), fail);
}

static enum bm_rc
row_read(json_t **ret_row, struct bm_rd answer, struct bm_fail *fail)
{
    struct bm_bytes text = bm_rd_lv32(&answer, BM_MAX_JSON);

    if (!bm_rd_end(&answer))
        return bm_fail(fail, BM_EINPUT, NULL, "the registrar's row is malformed");
    return bm_json_parse(ret_row, text, BM_MAX_JSON, fail);
}

/* Hands `reply` out and lets it go; NULL: there was no memory to build it, or the registrar's row lacks a field. */
static enum bm_rc
reply_give(struct connection *c, json_t *reply, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    enum bm_rc rc;

    if (reply == NULL)
        return bm_fail(fail, BM_EBUG, NULL, "the registrar's row lacks a field");
    rc = bm_json_print(&text, reply, fail);
    json_decref(reply);
    if (rc == BM_OK)
        bm_connection_reply(c, "application/json", bm_buf_bytes(&text));
    return rc;
}

enum bm_rc
bm_answer_health(struct connection *c, struct bm_rd answer, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    json_t *confinement, *token;
    const char *state, *disk;
    bool full;
    enum bm_rc rc;

    if ((rc = row_read(&row, answer, fail)) != BM_OK)
        return rc;
    confinement = json_object_get(row, "confinement");
    token = json_object_get(row, "token");
    state = json_string_value(json_object_get(token, "state"));
    disk = json_string_value(json_object_get(row, "disk"));
    full = disk != NULL && strcmp(disk, "full") == 0;
    return reply_give(c,
                      json_pack("{s:s, s:O, s:{s:s, s:O, s:O}, s:O, s:O}", "status",
                                full                                          ? "disk-full"
                                : state != NULL && strcmp(state, "away") == 0 ? "token-away"
                                                                              : "ok",
                                "ledger_size", json_object_get(row, "ledger_size"), "confinement", "gate", c->gate->confinement,
                                "registrar", json_object_get(confinement, "registrar"), "signer", json_object_get(confinement, "signer"),
                                "anchor", json_object_get(row, "anchor"), "token", token),
                      fail);
}

enum bm_rc
bm_answer_site(struct connection *c, struct bm_rd answer, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc;

    if ((rc = row_read(&row, answer, fail)) != BM_OK)
        return rc;
    return reply_give(c,
                      json_pack("{s:O, s:O, s:O, s:O, s:O}", "name", json_object_get(row, "name"), "site", json_object_get(row, "site"),
                                "vkey", json_object_get(row, "vkey"), "ledger_size", json_object_get(row, "ledger_size"), "checkpoint",
                                json_object_get(row, "checkpoint")),
                      fail);
}
