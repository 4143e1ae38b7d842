/* ca.c - issuing CAs made and retired, and the root that comes after the last one. */
#include "record/parts.h"

#include "wire/text.h"

static const char *const act_words[] = { [0] = "", [BM_CA_MAKE] = "make", [BM_CA_RETIRE] = "retire", [BM_CA_ROOT] = "root" };

const char *
bm_ca_act_word(enum bm_ca_act act)
{
    return act_words[act];
}

static void
der_take(struct bm_lines *lines, const char *key, struct bm_buf *der)
{
    struct bm_bytes value = bm_lines_want(lines, key);
    struct bm_fail ignored;

    der->max = BM_MAX_CERT;
    if (!lines->bad && (bm_b64_parse(der, BM_B64_STD, value, &ignored) != BM_OK || der->n == 0))
        bm_statement_refuse(lines, "must hold a certificate's DER in base64");
}

/* What it serves: some lots, some products; neither: all that no other CA serves by name. */
static void
serves_take(struct bm_lines *lines, struct bm_ca_statement *ca)
{
    static const char *const keys[] = { "lot", "product" };
    struct bm_bytes value;

    for (size_t k = 0; k < BM_COUNT(keys); k++)
        while (bm_lines_have(lines, keys[k], &value)) {
            if (ca->nserves == BM_MAX_CA_SERVES || !bm_word_name(ca->serves[ca->nserves].name, value)) {
                bm_statement_refuse(lines, "must hold a name, and a CA serves at most 32");
                return;
            }
            ca->serves[ca->nserves++].product = k == 1;
        }
}

static void
make_take(struct bm_lines *lines, struct bm_ca_statement *ca)
{
    struct bm_bytes value;

    bm_lines_name(lines, "ca", ca->name, BM_MAX_NAME);
    value = bm_lines_want(lines, "class");
    if (!lines->bad && !bm_ca_parse(&ca->kind, value))
        bm_statement_refuse(lines, "must be operational or idevid");
    if (bm_lines_have(lines, "replaces", &value) && !bm_word_name(ca->replaces, value))
        bm_statement_refuse(lines, "must hold the name of a CA");
    serves_take(lines, ca);
    der_take(lines, "certificate", &ca->certificate);
}

void
bm_ca_statement_done(struct bm_ca_statement *ca)
{
    bm_buf_done(&ca->certificate);
    bm_buf_done(&ca->new_with_old);
    bm_buf_done(&ca->old_with_new);
}

enum bm_rc
bm_ca_statement_parse(struct bm_statement_head *ret_head, struct bm_ca_statement *ret_ca, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_statement_head head = { .seq = 0 };
    struct bm_lines lines = bm_statement_open(&head, BM_STATEMENT_CA, text, fail);
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .nserves = 0 };
    struct bm_bytes value = bm_lines_want(&lines, "act");
    enum bm_rc rc;

    ca.act = (enum bm_ca_act)bm_word_find(act_words, BM_COUNT(act_words), value);
    if (ca.act == BM_CA_MAKE) {
        make_take(&lines, &ca);
    } else if (ca.act == BM_CA_RETIRE) {
        bm_lines_name(&lines, "ca", ca.name, BM_MAX_NAME);
    } else if (ca.act == BM_CA_ROOT) {
        der_take(&lines, "certificate", &ca.certificate);
        der_take(&lines, "new-with-old", &ca.new_with_old);
        der_take(&lines, "old-with-new", &ca.old_with_new);
    } else {
        bm_statement_refuse(&lines, "must be make, retire or root");
    }
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    *ret_head = head;
    *ret_ca = ca;
    ca = (struct bm_ca_statement){ .nserves = 0 };
    return BM_OK;
}

static void
der_add(struct bm_buf *buf, const char *key, const struct bm_buf *der)
{
    bm_buf_add_fmt(buf, "%s ", key);
    bm_b64_add(buf, BM_B64_STD, bm_buf_bytes(der));
    bm_buf_add_u8(buf, '\n');
}

void
bm_ca_statement_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_ca_statement *ca)
{
    bm_statement_head_build(buf, BM_STATEMENT_CA, head);
    bm_lines_add(buf, "act", bm_ca_act_word(ca->act));
    if (ca->act != BM_CA_ROOT)
        bm_lines_add(buf, "ca", ca->name);
    if (ca->act == BM_CA_MAKE) {
        bm_lines_add(buf, "class", bm_ca_word(ca->kind));
        if (ca->replaces[0] != 0)
            bm_lines_add(buf, "replaces", ca->replaces);
        for (unsigned product = 0; product < 2; product++)
            for (size_t i = 0; i < ca->nserves; i++)
                if (ca->serves[i].product == (product == 1))
                    bm_lines_add(buf, product == 1 ? "product" : "lot", ca->serves[i].name);
    }
    if (ca->act != BM_CA_RETIRE)
        der_add(buf, "certificate", &ca->certificate);
    if (ca->act == BM_CA_ROOT) {
        der_add(buf, "new-with-old", &ca->new_with_old);
        der_add(buf, "old-with-new", &ca->old_with_new);
    }
}
