/* ca.c - ca show: the hierarchy as it stands, as a table and as a picture. */
#include "base/env.h"
#include "cli/ca_kept.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "pki/cert.h"
#include "wire/text.h"

#include <unistd.h>

#define MAX_ROWS (BM_MAX_CAS + BM_MAX_ROOTS + 4)

/* One certificate of the hierarchy. */
struct row {
    char name[BM_MAX_NAME + 16], where[1100], state[16];
    struct bm_buf der;
    struct bm_cert cert;
    bool issuing, root;
    char serves[512];
    const char *kind;
    uint64_t issued, live;
    bm_time last_end;
};
struct picture {
    struct bm_call *call;
    struct bm_site *site;
    struct row *rows;
    size_t n;
};

static void
picture_done(struct picture *p)
{
    for (size_t i = 0; i < p->n; i++)
        bm_buf_done(&p->rows[i].der);
    free(p->rows);
    free(p->site);
}

/* Where a key is: as site.conf says, without what a URI has behind its '?' (a PIN may stand there). */
static void
issuing_where(struct row *row, const struct bm_site *site)
{
    const struct bm_site_ca *ca = bm_site_ca_find(site, row->name);

    if (ca == NULL)
        (void)snprintf(row->where, sizeof(row->where), "missing");
    else
        (void)snprintf(row->where, sizeof(row->where), "%.*s", (int)strcspn(ca->key, "?"), ca->key);
}

static void
file_where(struct row *row, const struct bm_call *call, const char *place)
{
    char path[BM_PATH];
    struct bm_fail unused;

    if (bm_path_join(path, call->home, place, &unused) == BM_OK && access(path, F_OK) == 0)
        (void)snprintf(row->where, sizeof(row->where), "file:%s", place);
    else
        (void)snprintf(row->where, sizeof(row->where), "offline");
}

static enum bm_rc
row_add(struct picture *p, struct row **ret_row, const char *name, struct bm_bytes der, struct bm_fail *fail)
{
    struct row *row = &p->rows[p->n];
    enum bm_rc rc;

    if (p->n == MAX_ROWS)
        return bm_fail(fail, BM_EBUG, NULL, "there are more CAs than a site can have");
    *row = (struct row){ .der = { .max = BM_MAX_CERT } };
    p->n++;
    (void)snprintf(row->name, sizeof(row->name), "%s", name);
    bm_buf_add_bytes(&row->der, der);
    if ((rc = bm_buf_check(&row->der, "a CA's certificate", fail)) != BM_OK ||
        (rc = bm_cert_parse(&row->cert, bm_buf_bytes(&row->der), fail)) != BM_OK)
        return rc;
    *ret_row = row;
    return BM_OK;
}

static enum bm_rc
roots_add(struct picture *p, struct bm_ask *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf end = { .max = BM_MAX_MESSAGE };
    struct bm_s_root root = { .n = 1 };
    struct row *row;
    char name[32];
    enum bm_rc rc;

    for (unsigned i = 0; i < root.n; i++) {
        (void)snprintf(name, sizeof(name), i == 0 ? "root" : "root-%u", i + 1);
        if ((rc = bm_root_ask(ask, i, &end, &root, fail)) != BM_OK || (rc = row_add(p, &row, name, root.der, fail)) != BM_OK)
            return rc;
        row->root = true;
        if (i == 0)
            file_where(row, p->call, BM_PLACE_ROOT_KEY);
        else
            (void)snprintf(row->where, sizeof(row->where), "offline");
    }
    return BM_OK;
}

static enum bm_rc
issuing_add(struct picture *p, struct bm_ask *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf end = { .max = BM_MAX_MESSAGE };
    struct bm_s_ca ca = { .n = 1 };
    char name[BM_MAX_NAME + 1];
    struct row *row;
    enum bm_rc rc;

    for (unsigned i = 0; i < ca.n; i++) {
        if ((rc = bm_ca_ask(ask, i, &end, &ca, fail)) != BM_OK)
            return rc;
        (void)snprintf(name, sizeof(name), "%.*s", (int)ca.name.n, (const char *)ca.name.p);
        if ((rc = row_add(p, &row, name, ca.der, fail)) != BM_OK)
            return rc;
        row->issuing = true;
        row->kind = bm_ca_word(ca.kind == BM_CA_IDEVID ? BM_CA_IDEVID : BM_CA_OPERATIONAL);
        row->issued = ca.issued;
        row->live = ca.live;
        row->last_end = ca.last_end;
        (void)snprintf(row->state, sizeof(row->state), "%s", ca.retired ? "retired" : "active");
        (void)snprintf(row->serves, sizeof(row->serves), "%.*s", (int)(ca.serves.n < 400 ? ca.serves.n : 400),
                       ca.serves.n > 0 ? (const char *)ca.serves.p : "");
        issuing_where(row, p->site);
    }
    return BM_OK;
}

/* The site's own, which are the command line's. */
static enum bm_rc
others_add(struct picture *p, struct bm_fail *fail)
{
    static const struct {
        const char *name, *place, *key;
    } others[] = { { "server", BM_PLACE_CA_CERT, BM_PLACE_SERVER_CA_KEY },
                   { "operators", BM_PLACE_CA_CERT, BM_PLACE_OPERATOR_CA_KEY },
                   { "gate", BM_PLACE_GATE_CERT, BM_PLACE_GATE_KEY } };
    char path[BM_PATH];
    struct row *row;
    enum bm_rc rc;

    for (size_t i = 0; i < BM_COUNT(others); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };

        if ((rc = bm_place_path(path, p->call->home, others[i].place, others[i].name, fail)) != BM_OK ||
            (rc = bm_cert_read(&der, path, fail)) != BM_OK || (rc = row_add(p, &row, others[i].name, bm_buf_bytes(&der), fail)) != BM_OK)
            return rc;
        file_where(row, p->call, others[i].key);
    }
    return BM_OK;
}

static enum bm_rc
row_print(struct bm_list *list, const struct row *row, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = 16384 };
    bm_cleanup(bm_json_done) json_t *out = NULL;
    char subject[300], issuer[300], from[BM_TIME_TEXT], until[BM_TIME_TEXT], last[BM_TIME_TEXT], hex[2 * BM_HASH + 1];
    uint8_t hash[BM_HASH];
    bool test = bm_cert_test_mark(bm_buf_bytes(&row->der));
    enum bm_rc rc;

    bm_name_print(subject, sizeof(subject), row->cert.subject);
    bm_name_print(issuer, sizeof(issuer), row->cert.issuer);
    bm_time_print(from, row->cert.not_before);
    bm_time_print(until, row->cert.not_after);
    bm_time_print(last, row->last_end);
    bm_sha256(hash, bm_buf_bytes(&row->der));
    bm_hex(hex, bm_bytes(hash, BM_HASH));
    out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "ca", row->name, "subject", subject, "issuer", issuer, "not_before", from,
                    "not_after", until, "key", row->where, "sha256", hex, "test", (int)test);
    if (row->issuing && out != NULL) {
        bm_cleanup(bm_json_done) json_t *more = json_pack(
            "{s:s, s:s, s:s, s:I, s:I, s:s}", "class", row->kind, "state", row->state, "serves", row->serves[0] != 0 ? row->serves : "all",
            "issued", (json_int_t)row->issued, "live", (json_int_t)row->live, "last_end", row->last_end != 0 ? last : "");

        if (more == NULL || json_object_update(out, more) != 0)
            return bm_json_check(NULL, fail);
    }
    if ((rc = bm_json_check(out, fail)) != BM_OK || (rc = bm_json_print(&json, out, fail)) != BM_OK)
        return rc;
    return bm_list_row(list, bm_buf_bytes(&json), fail);
}

/* ---- the picture ---- */

static void
line_print(const struct row *row, const char *indent)
{
    char subject[80], until[BM_TIME_TEXT];

    bm_name_print(subject, sizeof(subject), row->cert.subject);
    subject[strcspn(subject, ",")] = 0;
    bm_time_print(until, row->cert.not_after);
    (void)printf("%s%s  ", indent, row->name);
    (void)bm_text_print(subject);
    (void)printf("  until %.4s", until);
    if (row->issuing)
        (void)printf("  %s, %llu live%s%s", row->state, (unsigned long long)row->live, row->serves[0] != 0 ? ", for " : "", row->serves);
    if (bm_cert_test_mark(bm_buf_bytes(&row->der)))
        (void)printf("  FOR TESTS ONLY");
    (void)putchar('\n');
}

static void
tree_print(const struct picture *p)
{
    (void)putchar('\n');
    for (size_t r = 0; r < p->n; r++) {
        if (!p->rows[r].root)
            continue;
        line_print(&p->rows[r], "");
        if (r > 0)
            (void)printf("|  (%s and this one signed each other's keys: whoever trusts either trusts both)\n", p->rows[r - 1].name);
        for (size_t i = 0; i < p->n; i++)
            if (!p->rows[i].root && bm_bytes_equal(p->rows[i].cert.issuer, p->rows[r].cert.subject))
                line_print(&p->rows[i], "+- ");
    }
}

static enum bm_rc
picture_take(struct picture *p, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    enum bm_rc rc;

    if ((p->rows = calloc(MAX_ROWS, sizeof(*p->rows))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the CAs");
    if ((rc = bm_site_read(&p->site, p->call->home, fail)) != BM_OK || (rc = bm_ask_open(&ask, p->call, fail)) != BM_OK ||
        (rc = roots_add(p, &ask, fail)) != BM_OK || (rc = issuing_add(p, &ask, fail)) != BM_OK)
        return rc;
    return others_add(p, fail);
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = {
        { "ca", "CA" },     { "subject", "SUBJECT" }, { "state", "STATE" }, { "serves", "SERVES" },
        { "live", "LIVE" }, { "not_after", "UNTIL" }, { "key", "KEY" },     { "sha256", "SHA-256" }
    };
    bm_cleanup(
        bm_list_done) struct bm_list list = { .json = call->json, .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no CA" };
    bm_cleanup(picture_done) struct picture picture = { .call = call };
    enum bm_rc rc = picture_take(&picture, fail);

    for (size_t i = 0; i < picture.n && rc == BM_OK; i++)
        rc = row_print(&list, &picture.rows[i], fail);
    if (rc != BM_OK || (rc = bm_list_end(&list, fail)) != BM_OK)
        return rc;
    if (!call->json)
        tree_print(&picture);
    return BM_OK;
}

const struct bm_verb bm_verb_ca_show = {
    .words = "ca show",
    .arguments = "",
    .site = true,
    .purpose = "Show the certification authorities: what hangs from what, what each serves, until when, and where each key is.",
    .help =
        "Key \"offline\": the file is not here, as the root's should be. gate is no CA but the server's own certificate. LIVE counts the\n"
        "certificates of an issuing CA that somebody may still use.\n\n"
        "example: birthmark ca show\n",
    .run = run,
};
