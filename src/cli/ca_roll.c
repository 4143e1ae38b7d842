/* ca_roll.c - ca make, roll, retire: issuing CAs come and go by a signed statement; the next root likewise. */
#include "cli/ca_kept.h"
#include "cli/ceremony.h"
#include "cli/operator.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "pki/csr.h"

#include <stdio.h>

/* ---- the certificate ---- */

/* The root is at hand: its ceremony signs the request, with who signs the statement as the person present. */
static enum bm_rc
root_sign(struct bm_buf *der, const struct bm_desk *desk, struct bm_call *call, const char *name, enum bm_ca kind, struct bm_fail *fail)
{
    bm_cleanup(bm_ceremony_done) struct bm_ceremony *c = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf request = { .max = 65536 };
    const struct bm_ceremony_plan plan = { .present = &desk->key, .npresent = 1, .call = call };
    char label[BM_MAX_NAME + 8];
    enum bm_rc rc;

    (void)snprintf(label, sizeof(label), "%s.csr", name);
    if ((rc = bm_place_read(&request, call->home, BM_PLACE_CA_CSR, name, fail)) != BM_OK ||
        (rc = bm_ceremony_open(&c, bm_call_option(call, "root"), &plan, fail)) != BM_OK ||
        (rc = bm_ceremony_sign_request(c, kind == BM_CA_IDEVID ? BM_CLASS_IDEVID : BM_CLASS_OPERATIONAL, NULL, label,
                                       bm_buf_bytes(&request), der, fail)) != BM_OK)
        return rc;
    return bm_ceremony_commit(c, fail);
}

static void
next_print(const struct bm_call *call, const char *name, enum bm_ca kind)
{
    if (call->json)
        return;
    (void)printf("The key of CA %s is made; its request is %s/ca/%s.csr.\n\nnext:\n"
                 "  birthmark ca ceremony DIR --sign %s.csr --class %s       where the root is\n"
                 "  birthmark %s %s ... --install DIR/issued/%s.pem       here, with the same options as now\n",
                 name, call->home, name, name, bm_ca_word(kind), call->verb->words, call->words.v[0], name);
}

/* ---- the statement ---- */

/* A certificate of a root at hand, or of a file; none, and what to do next is said. */
static enum bm_rc
certificate_get(struct bm_ca_statement *ca, bool *ret_have, const struct bm_desk *desk, struct bm_call *call, struct bm_fail *fail)
{
    const char *file = bm_call_option(call, "install");

    ca->certificate.max = BM_MAX_CERT;
    *ret_have = file != NULL || bm_call_option(call, "root") != NULL;
    if (!*ret_have)
        return BM_OK;
    return file != NULL ? bm_cert_read(&ca->certificate, file, fail) : root_sign(&ca->certificate, desk, call, ca->name, ca->kind, fail);
}

/* What came of it, as ca show has it. */
static enum bm_rc
done_print(struct bm_call *call, const struct bm_ca_statement *ca, struct bm_fail *fail)
{
    static const char *const states[] = { [BM_CA_MAKE] = "active", [BM_CA_RETIRE] = "retired", [BM_CA_ROOT] = "pinned" };
    bm_cleanup(bm_json_done) json_t *row =
        json_pack("{s:s, s:s}", "ca", ca->act == BM_CA_ROOT ? "root" : ca->name, "state", states[ca->act]);
    enum bm_rc rc = bm_json_check(row, fail);

    return rc != BM_OK ? rc : bm_object_print(call, row, fail);
}

static enum bm_rc
statement_send(struct bm_ask *ask, const struct bm_desk *desk, const struct bm_ca_statement *ca, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    enum bm_rc rc;

    bm_ca_statement_build(&text, &desk->head, ca);
    if ((rc = bm_buf_check(&text, "the statement", fail)) != BM_OK ||
        (rc = bm_desk_send(desk, ask, &text, NULL, 0, NULL, NULL, fail)) != BM_OK || (rc = bm_ca_files(ask, fail)) != BM_OK)
        return rc;
    return done_print(ask->call, ca, fail);
}

static enum bm_rc
serves_take(struct bm_ca_statement *ca, struct bm_call *call, struct bm_fail *fail)
{
    enum bm_rc rc;

    for (unsigned product = 0; product < 2; product++) {
        const struct bm_values *names = bm_call_values(call, product == 1 ? "product" : "lot");

        for (size_t i = 0; i < names->n; i++) {
            if (ca->nserves == BM_MAX_CA_SERVES)
                return bm_usage(call, fail, "a CA serves at most %d lots and products by name", BM_MAX_CA_SERVES);
            if ((rc = bm_call_name(call, product == 1 ? "a product's name" : "a lot's name", names->v[i], fail)) != BM_OK)
                return rc;
            (void)snprintf(ca->serves[ca->nserves].name, sizeof(ca->serves[0].name), "%s", names->v[i]);
            ca->serves[ca->nserves++].product = product == 1;
        }
    }
    return BM_OK;
}

/* "lot L1 product P2": what the one before served, where nothing else was asked for. */
static void
serves_inherit(struct bm_ca_statement *ca, struct bm_bytes serves)
{
    while (serves.n > 0 && ca->nserves < BM_MAX_CA_SERVES) {
        const uint8_t *space = memchr(serves.p, ' ', serves.n);
        size_t n = space == NULL ? serves.n : (size_t)(space - serves.p), name = 0;
        bool product = n == strlen("product");

        if (space == NULL)
            return;
        serves = bm_bytes(serves.p + n + 1, serves.n - n - 1);
        space = memchr(serves.p, ' ', serves.n);
        name = space == NULL ? serves.n : (size_t)(space - serves.p);
        (void)snprintf(ca->serves[ca->nserves].name, sizeof(ca->serves[0].name), "%.*s", (int)name, (const char *)serves.p);
        ca->serves[ca->nserves++].product = product;
        serves = space == NULL ? bm_bytes(NULL, 0) : bm_bytes(serves.p + name + 1, serves.n - name - 1);
    }
}

/* A server that runs has its keys open: its signer begins anew. One that is started for this command has opened all. */
static enum bm_rc
key_open(struct bm_ask *ask, struct bm_fail *fail)
{
    return ask->connection.lock >= 0 ? BM_OK : bm_ask(ask, BM_C_KEYS, bm_bytes(NULL, 0), NULL, NULL, NULL, fail);
}

/* The key first: whoever opens the site after it has it open. */
static enum bm_rc
make(struct bm_ca_statement *ca, struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    bool made = false, have = false;
    enum bm_rc rc;

    if ((rc = bm_ca_key_make(&made, call, ca->name, ca->kind, bm_call_option(call, "token"), fail)) != BM_OK ||
        (rc = bm_ask_open(&ask, call, fail)) != BM_OK || (made && (rc = key_open(&ask, fail)) != BM_OK) ||
        (rc = bm_desk_open(&desk, BM_ACT_CA, &ask, fail)) != BM_OK || (rc = certificate_get(ca, &have, &desk, call, fail)) != BM_OK)
        return rc;
    if (have)
        return statement_send(&ask, &desk, ca, fail);
    next_print(call, ca->name, ca->kind);
    return BM_OK;
}

static enum bm_rc
make_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .act = BM_CA_MAKE };
    const char *name = call->words.v[0];
    enum bm_rc rc;

    if ((rc = bm_call_name(call, "a CA's name", name, fail)) != BM_OK)
        return rc;
    (void)snprintf(ca.name, sizeof(ca.name), "%s", name);
    if (!bm_ca_parse(&ca.kind, bm_bytes_str(bm_call_option(call, "class"))))
        return bm_usage(call, fail, "--class must be operational or idevid");
    if ((rc = serves_take(&ca, call, fail)) != BM_OK)
        return rc;
    return make(&ca, call, fail);
}

#define OPTIONS_MAKE                                                                                                       \
    { .name = "lot", .value = "NAME", .help = "serve this lot by name", .many = true },                                    \
        { .name = "product", .value = "NAME", .help = "serve orders of this product", .many = true },                      \
        { .name = "token", .value = "URI", .help = "make the key in a PKCS#11 token: pkcs11:token=...?pin-source=/FILE" }, \
        { .name = "root", .value = "DIR", .help = "the root's ceremony directory, where it is at hand: all in one go" },   \
        { .name = "install", .value = "FILE", .help = "the certificate that the root's ceremony made of ca/NAME.csr" }, BM_OPTION_OPERATOR

const struct bm_verb bm_verb_ca_make = {
    .words = "ca make",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Make another issuing CA: for some lots or products, small on purpose; or for all.",
    .help = "Three steps: the key and its request here; the certificate where the root is (birthmark ca ceremony); back here with\n"
            "--install, which a second person approves where there is one. From then on it issues for the lots and products that it\n"
            "names; of several CAs that serve the same the youngest issues. Renewals move devices to it by themselves.\n\n"
            "example: birthmark ca make meters-1 --class operational --lot EX-001 EX-002\n"
            "         birthmark ca make meters-1 --class operational --lot EX-001 EX-002 --install meters-1.pem\n",
    .options = { { .name = "class", .value = "WORD", .help = "operational or idevid", .needed = true }, OPTIONS_MAKE },
    .run = make_run,
};

/* ---- roll ---- */

static enum bm_rc
der_read(struct bm_buf *der, const char *dir, const char *file, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc = bm_path_join(path, dir, file, fail);

    der->max = BM_MAX_CERT;
    return rc != BM_OK ? rc : bm_cert_read(der, path, fail);
}

static enum bm_rc
root_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .act = BM_CA_ROOT };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    const char *dir = bm_call_option(call, "install");
    enum bm_rc rc;

    if (dir == NULL || bm_call_option(call, "as") != NULL || bm_call_option(call, "root") != NULL)
        return bm_usage(call, fail, "the root rolls by --install DIR alone: birthmark ca ceremony DIR --roll OLDDIR makes the next one");
    if ((rc = der_read(&ca.certificate, dir, "root.pem", fail)) != BM_OK ||
        (rc = der_read(&ca.new_with_old, dir, "new-with-old.pem", fail)) != BM_OK ||
        (rc = der_read(&ca.old_with_new, dir, "old-with-new.pem", fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_desk_open(&desk, BM_ACT_CA, &ask, fail)) != BM_OK)
        return rc;
    return statement_send(&ask, &desk, &ca, fail);
}

/* Of what class the one before is, and what it serves, unless something else is asked for. */
static enum bm_rc
old_read(struct bm_ca_statement *ca, struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_buf_done) struct bm_buf end = { .max = BM_MAX_MESSAGE };
    struct bm_s_ca old = { .n = 0 };
    enum bm_rc rc;

    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_ca_ask_name(&ask, ca->replaces, &end, &old, fail)) != BM_OK)
        return rc;
    ca->kind = (enum bm_ca)old.kind;
    if (ca->nserves == 0)
        serves_inherit(ca, old.serves);
    return BM_OK;
}

static enum bm_rc
roll_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .act = BM_CA_MAKE };
    const char *as = bm_call_option(call, "as"), *old = call->words.v[0];
    enum bm_rc rc;

    if (strcmp(old, "root") == 0)
        return root_run(call, fail);
    if (as == NULL)
        return bm_usage(call, fail, "--as NEW names the CA that takes its place");
    if ((rc = bm_call_name(call, "a CA's name", old, fail)) != BM_OK || (rc = bm_call_name(call, "a CA's name", as, fail)) != BM_OK)
        return rc;
    (void)snprintf(ca.name, sizeof(ca.name), "%s", as);
    (void)snprintf(ca.replaces, sizeof(ca.replaces), "%s", old);
    if ((rc = serves_take(&ca, call, fail)) != BM_OK || (rc = old_read(&ca, call, fail)) != BM_OK)
        return rc;
    return make(&ca, call, fail);
}

const struct bm_verb bm_verb_ca_roll = {
    .words = "ca roll",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Put a new CA in an issuing CA's place, or the next root beside the root.",
    .help =
        "The steps are those of ca make. The new one serves what the old one did, unless --lot or --product say otherwise; the old one\n"
        "issues no more, and signs its revocation list as long as anything that it issued is good. What is in the field goes on and\n"
        "comes to the new CA when it renews.\n\n"
        "The root: birthmark ca ceremony NEWDIR --roll OLDDIR, then birthmark ca roll root --install NEWDIR. From then on CAs\n"
        "signed by either are taken, and replies carry what leads from one root to the other.\n\n"
        "example: birthmark ca roll operational --as operational-2\n"
        "         birthmark ca roll operational --as operational-2 --install operational-2.pem\n"
        "         birthmark ca roll root --install /media/root-2\n",
    .options = { { .name = "as", .value = "NEW", .help = "name of the CA that takes its place" }, OPTIONS_MAKE },
    .run = roll_run,
};

/* ---- retire ---- */

static enum bm_rc
retire_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .act = BM_CA_RETIRE };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    enum bm_rc rc;

    if ((rc = bm_call_name(call, "a CA's name", call->words.v[0], fail)) != BM_OK)
        return rc;
    (void)snprintf(ca.name, sizeof(ca.name), "%s", call->words.v[0]);
    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_desk_open(&desk, BM_ACT_CA, &ask, fail)) != BM_OK)
        return rc;
    return statement_send(&ask, &desk, &ca, fail);
}

const struct bm_verb bm_verb_ca_retire = {
    .words = "ca retire",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Let an issuing CA issue no more; another must serve what it did.",
    .help = "Nothing that it issued ends by that, and its list is signed until the last of it has ended. Nobody undoes it.\n\n"
            "example: birthmark ca retire meters-1\n",
    .options = { BM_OPTION_OPERATOR },
    .run = retire_run,
};
