#include "record/site.h"

#include "record/parts.h"

#include <stdlib.h>

#define HEAD "birthmark/site/v1"
#define NONE "-" /* no url */

static const char *const ca_words[BM_CA__N] = { [BM_CA_OPERATIONAL] = "operational", [BM_CA_IDEVID] = "idevid" };

const char *
bm_ca_word(enum bm_ca kind)
{
    return ca_words[kind];
}

bool
bm_ca_parse(enum bm_ca *ret_kind, struct bm_bytes word)
{
    for (unsigned kind = 0; kind < BM_CA__N; kind++)
        if (bm_bytes_equal(word, bm_bytes_str(ca_words[kind]))) {
            *ret_kind = (enum bm_ca)kind;
            return true;
        }
    return false;
}

const struct bm_site_ca *
bm_site_ca_find(const struct bm_site *site, const char *name)
{
    for (size_t i = 0; i < site->nca; i++)
        if (strcmp(site->ca[i].name, name) == 0)
            return &site->ca[i];
    return NULL;
}

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
ca_take(struct bm_site *site, struct bm_bytes value, struct bm_lines *lines)
{
    struct bm_bytes name = bm_word_take(&value), word = bm_word_take(&value);
    struct bm_site_ca *ca = &site->ca[site->nca];

    if (lines->bad)
        return;
    if (site->nca == BM_MAX_CAS) {
        bm_statement_refuse(lines, "is one CA too many");
        return;
    }
    if (!bm_word_name(ca->name, name) || !bm_ca_parse(&ca->kind, word) || bm_site_ca_find(site, ca->name) != NULL ||
        (site->nca < BM_CA__N && (ca->kind != (enum bm_ca)site->nca || strcmp(ca->name, ca_words[site->nca]) != 0)))
        bm_statement_refuse(lines, "must be a CA's name, its class and where its key is: first operational, then idevid, none twice");
    text_take(lines, value, ca->key, sizeof(ca->key) - 1);
    if (ca->key[0] == ' ')
        bm_statement_refuse(lines, "has two spaces before the key");
    site->nca++;
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
    ca_take(site, bm_lines_want(lines, "ca"), lines);
    while (bm_lines_have(lines, "ca", &value))
        ca_take(site, value, lines);
    if (site->nca < BM_CA__N)
        bm_statement_refuse(lines, "must be preceded by the lines of the two CAs that every site has");
    if (bm_lines_have(lines, "ocsp", &value))
        text_take(lines, value, site->ocsp_key, sizeof(site->ocsp_key) - 1);
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

    if ((site = calloc(1, sizeof(*site))) == NULL) /* 90 KiB: too large for a frame */
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
    for (size_t i = 0; i < site->nca; i++) {
        if (site->ca[i].key[0] == 0 || site->ca[i].key[0] == ' ')
            buf->bad = true;
        bm_buf_add_fmt(buf, "ca %s %s ", site->ca[i].name, ca_words[site->ca[i].kind]);
        bm_buf_add_fmt(buf, "%s\n", site->ca[i].key);
    }
    if (site->ocsp_key[0] != 0)
        bm_lines_add(buf, "ocsp", site->ocsp_key);
    bm_operators_build(buf, &site->operators);
}
