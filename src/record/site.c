#include "record/site.h"

#include "record/parts.h"

#include <stdlib.h>

#define HEAD "birthmark/site/v1"
#define NONE "-" /* no url */

static const char *const ca_words[BM_CA__N] = { [BM_CA_OPERATIONAL] = "operational", [BM_CA_IDEVID] = "idevid" };

/* A value into a text of max bytes and its NUL. */
static void
text_take(struct bm_lines *lines, struct bm_bytes value, char *ret, size_t max)
{
    if (value.n == 0 || value.n > max) {
        bm_statement_refuse(lines, value.n == 0 ? "has no value" : "is too long");
        return;
    }
    memcpy(ret, value.p, value.n);
    ret[value.n] = 0;
}

static void
site_take(struct bm_site *site, struct bm_lines *lines)
{
    struct bm_bytes value = bm_lines_want(lines, "name");

    text_take(lines, value, site->name, BM_MAX_NAME);
    value = bm_lines_want(lines, "url");
    if (!bm_bytes_equal(value, bm_bytes_str(NONE)))
        text_take(lines, value, site->url, sizeof(site->url) - 1);
    if (bm_lines_have(lines, "test", &value)) {
        site->test = true;
        if (!bm_bytes_equal(value, bm_bytes_str("yes")))
            bm_statement_refuse(lines, "must be yes, or not be there");
    }
    for (size_t ca = 0; ca < BM_CA__N; ca++) {
        struct bm_bytes word;

        value = bm_lines_want(lines, "ca");
        word = bm_word_take(&value);
        if (!bm_bytes_equal(word, bm_bytes_str(ca_words[ca])))
            bm_statement_refuse(lines, "must be the CA's name, first operational, then idevid, and where its key is");
        text_take(lines, value, site->ca_key[ca], sizeof(site->ca_key[ca]) - 1);
        if (site->ca_key[ca][0] == ' ')
            bm_statement_refuse(lines, "has two spaces before the key");
    }
    bm_operators_take(&site->operators, lines);
}

static void
site_free(struct bm_site **site)
{
    free(*site);
}

enum bm_rc
bm_site_parse(struct bm_site *ret_site, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_lines lines = bm_lines_open(text, HEAD, "site.conf", fail);
    bm_cleanup(site_free) struct bm_site *site = NULL;
    enum bm_rc rc;

    if ((site = calloc(1, sizeof(*site))) == NULL) /* 16 KiB: too large for a frame */
        return bm_fail(fail, BM_ENOMEM, NULL, "site.conf: there is no memory for it");
    site_take(site, &lines);
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    *ret_site = *site;
    return BM_OK;
}

void
bm_site_build(struct bm_buf *buf, const struct bm_site *site)
{
    bm_buf_add_str(buf, HEAD "\n");
    bm_lines_add(buf, "name", site->name);
    bm_lines_add(buf, "url", site->url[0] != 0 ? site->url : NONE);
    if (site->test)
        bm_lines_add(buf, "test", "yes");
    for (size_t ca = 0; ca < BM_CA__N; ca++) {
        if (site->ca_key[ca][0] == 0 || site->ca_key[ca][0] == ' ')
            buf->bad = true;
        bm_buf_add_fmt(buf, "ca %s ", ca_words[ca]);
        bm_buf_add_fmt(buf, "%s\n", site->ca_key[ca]);
    }
    bm_operators_build(buf, &site->operators);
}
