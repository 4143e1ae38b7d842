#include "device/agent_conf.h"

#include "device/turn.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD \
    "# What birthmark-agent renew asks again: one block for each identity, written by enrol, to be edited at will (birthmark-agent(1)).\n"

/* The words of a block, "service" first. */
static const struct word {
    const char *word;
    size_t at, size, times; /* times: values it may have, one behind the other */
    bool needed;
} words[] = {
#define WORDS(name, member, first, times, needed)                                                                 \
    {                                                                                                             \
        name, offsetof(struct bm_agent_entry, member), sizeof(((struct bm_agent_entry *)0)->first), times, needed \
    }
#define WORD(name, member, needed) WORDS(name, member, member, 1, needed)
    WORD("service", service, true),
    WORD("root", root, true),
    WORD("server", server, true),
    WORD("cacert", ca_file, true),
    WORD("profile", profile, false),
    WORD("key", key, false),
    WORDS("cert-file", cert_file, cert_file[0], BM_AGENT_CERT_FILES, false),
#undef WORD
#undef WORDS
};

static const char *
value_in(const struct bm_agent_entry *entry, const struct word *word, size_t i)
{
    return (const char *)entry + word->at + i * word->size;
}

/* Where its next value goes; NULL: it has all that it may have. */
static char *
value_next(struct bm_agent_entry *entry, const struct word *word)
{
    for (size_t i = 0; i < word->times; i++) {
        char *value = (char *)entry + word->at + i * word->size;

        if (*value == '\0')
            return value;
    }
    return NULL;
}

static bool
name_ok(const char *name)
{
    return name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

/* A block is whole, and no other is for the same identity. */
static enum bm_rc
entry_check(const struct bm_agent_conf *conf, struct bm_fail *fail)
{
    const struct bm_agent_entry *entry = conf->n == 0 ? NULL : &conf->entry[conf->n - 1];

    if (entry == NULL)
        return BM_OK;
    for (size_t i = 0; i < BM_COUNT(words); i++) {
        if (words[i].needed && *value_in(entry, &words[i], 0) == '\0')
            return bm_fail(fail, BM_EINPUT, NULL, "the block of service %s wants a line with %s", entry->service, words[i].word);
    }
    if (!name_ok(entry->service) || !name_ok(entry->profile))
        return bm_fail(fail, BM_EINPUT, NULL, "services and profiles are named by characters of [A-Za-z0-9._-]");
    if (bm_agent_conf_find(conf, entry->root, entry->service) != entry)
        return bm_fail(fail, BM_EINPUT, NULL, "there are two blocks for service %s on %.100s", entry->service, entry->root);
    return BM_OK;
}

static enum bm_rc
line_take(struct bm_agent_conf *conf, const char *line, size_t n, struct bm_fail *fail)
{
    const char *blank = memchr(line, ' ', n);
    const size_t nword = blank == NULL ? n : (size_t)(blank - line), nvalue = blank == NULL ? 0 : n - nword - 1;
    char *value;
    enum bm_rc rc;

    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            return bm_fail(fail, BM_EINPUT, NULL, "it holds a control character");
    }
    for (size_t i = 0; i < BM_COUNT(words); i++) {
        if (strlen(words[i].word) != nword || memcmp(words[i].word, line, nword) != 0)
            continue;
        if (nvalue == 0 || nvalue >= words[i].size)
            return bm_fail(fail, BM_EINPUT, NULL, "%s wants a value of at most %zu bytes", words[i].word, words[i].size - 1);
        if (i == 0) {
            if ((rc = entry_check(conf, fail)) != BM_OK)
                return rc;
            if (conf->n == BM_COUNT(conf->entry))
                return bm_fail(fail, BM_EINPUT, NULL, "it has more than %d blocks", BM_MAX_SERVICES);
            conf->entry[conf->n++] = (struct bm_agent_entry){ .service = "" };
        }
        if (conf->n == 0)
            return bm_fail(fail, BM_EINPUT, NULL, "a block begins with service NAME");
        if ((value = value_next(&conf->entry[conf->n - 1], &words[i])) == NULL)
            return bm_fail(fail, BM_EINPUT, NULL, words[i].times > 1 ? "a word is in its block too often" : "a word is in its block twice");
        memcpy(value, line + nword + 1, nvalue);
        return BM_OK;
    }
    return bm_fail(fail, BM_EINPUT, NULL, "a line begins with service, root, server, cacert, profile, key or cert-file");
}

enum bm_rc
bm_agent_conf_parse(struct bm_agent_conf *ret_conf, struct bm_bytes text, struct bm_fail *fail)
{
    size_t number = 0;
    enum bm_rc rc;

    ret_conf->n = 0;
    for (size_t at = 0; at < text.n;) {
        const char *line = (const char *)text.p + at;
        const char *end = memchr(line, '\n', text.n - at);
        const size_t n = end == NULL ? text.n - at : (size_t)(end - line);

        number++;
        at += n + 1;
        if (n == 0 || line[0] == '#')
            continue;
        if ((rc = line_take(ret_conf, line, n, fail)) != BM_OK) {
            bm_fail_prefix(fail, "line %zu", number);
            return rc;
        }
    }
    return entry_check(ret_conf, fail);
}

void
bm_agent_conf_build(struct bm_buf *text, const struct bm_agent_conf *conf)
{
    bm_buf_add_str(text, HEAD);
    for (size_t i = 0; i < conf->n; i++) {
        bm_buf_add_str(text, "\n");
        for (size_t k = 0; k < BM_COUNT(words); k++)
            for (size_t nth = 0; nth < words[k].times; nth++) {
                const char *value = value_in(&conf->entry[i], &words[k], nth);

                if (*value != '\0')
                    bm_buf_add_fmt(text, "%s %s\n", words[k].word, value);
            }
    }
}

const struct bm_agent_entry *
bm_agent_conf_find(const struct bm_agent_conf *conf, const char *root, const char *service)
{
    for (size_t i = 0; i < conf->n; i++) {
        if (strcmp(conf->entry[i].root, root) == 0 && strcmp(conf->entry[i].service, service) == 0)
            return &conf->entry[i];
    }
    return NULL;
}

/* ---- the file ---- */

const char *
bm_agent_conf_path(void)
{
    const char *named = getenv("BIRTHMARK_AGENT_CONF");

    return named != NULL && *named != '\0' ? named : BM_AGENT_CONF;
}

void
bm_agent_conf_done(struct bm_agent_conf **conf)
{
    free(*conf);
    *conf = NULL;
}

enum bm_rc
bm_agent_conf_read(struct bm_agent_conf **ret_conf, struct bm_fail *fail)
{
    bm_cleanup(bm_agent_conf_done) struct bm_agent_conf *conf = calloc(1, sizeof(*conf));
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_AGENT_CONF };
    enum bm_rc rc;

    if (conf == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    if (access(bm_agent_conf_path(), F_OK) == 0) {
        if ((rc = bm_file_read(&text, bm_agent_conf_path(), fail)) != BM_OK)
            return rc;
        if ((rc = bm_agent_conf_parse(conf, bm_buf_bytes(&text), fail)) != BM_OK) {
            bm_fail_prefix(fail, "%s", bm_agent_conf_path());
            return rc;
        }
    }
    *ret_conf = bm_take(conf);
    return BM_OK;
}

static enum bm_rc
conf_write(const struct bm_agent_conf *conf, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_AGENT_CONF };
    enum bm_rc rc;

    bm_agent_conf_build(&text, conf);
    if ((rc = bm_buf_check(&text, bm_agent_conf_path(), fail)) != BM_OK)
        return rc;
    return bm_file_write(bm_agent_conf_path(), bm_buf_bytes(&text), 0644, fail);
}

static size_t
drop(struct bm_agent_conf *conf, const char *root, const char *service)
{
    const size_t before = conf->n;
    size_t kept = 0;

    for (size_t i = 0; i < before; i++) {
        const struct bm_agent_entry *entry = &conf->entry[i];

        if (strcmp(entry->root, root) != 0 || (service != NULL && strcmp(entry->service, service) != 0))
            conf->entry[kept++] = *entry;
    }
    conf->n = kept;
    return before - kept;
}

enum bm_rc
bm_agent_conf_put(const struct bm_agent_entry *entry, bool *ret_written, struct bm_fail *fail)
{
    bm_cleanup(bm_agent_conf_done) struct bm_agent_conf *conf = NULL;
    bm_cleanup(bm_turn_done) int turn = -1;
    const struct bm_agent_entry *same;
    struct bm_agent_entry whole = *entry;
    const char *slash = strrchr(bm_agent_conf_path(), '/');
    char dir[BM_PATH] = ".";
    enum bm_rc rc;

    *ret_written = false;
    if (slash != NULL)
        (void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - bm_agent_conf_path()), bm_agent_conf_path());
    if (access(*dir == '\0' ? "/" : dir, F_OK) == -1)
        return BM_OK;
    if ((rc = bm_turn_take(&turn, bm_agent_conf_path(), BM_TURN_WAIT, fail)) != BM_OK || (rc = bm_agent_conf_read(&conf, fail)) != BM_OK)
        return rc;
    *ret_written = true;
    if ((same = bm_agent_conf_find(conf, entry->root, entry->service)) != NULL) {
        memcpy(whole.cert_file, same->cert_file, sizeof(whole.cert_file));
        if (memcmp(same, &whole, sizeof(*same)) == 0)
            return BM_OK;
    }
    (void)drop(conf, entry->root, entry->service);
    if (conf->n == BM_COUNT(conf->entry))
        return bm_fail(fail, BM_EINPUT, NULL, "%s has %d blocks already", bm_agent_conf_path(), BM_MAX_SERVICES);
    conf->entry[conf->n++] = whole;
    return conf_write(conf, fail);
}

enum bm_rc
bm_agent_conf_drop(const char *root, const char *service, struct bm_fail *fail)
{
    bm_cleanup(bm_agent_conf_done) struct bm_agent_conf *conf = NULL;
    bm_cleanup(bm_turn_done) int turn = -1;
    enum bm_rc rc = bm_turn_take(&turn, bm_agent_conf_path(), BM_TURN_WAIT, fail);

    if (rc == BM_OK)
        rc = bm_agent_conf_read(&conf, fail);
    return rc != BM_OK || drop(conf, root, service) == 0 ? rc : conf_write(conf, fail);
}

enum bm_rc
bm_agent_conf_cert_file(const char *root, const char *service, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_agent_conf_done) struct bm_agent_conf *conf = NULL;
    bm_cleanup(bm_turn_done) int turn = -1;
    struct bm_agent_entry *entry = NULL;
    size_t n = 0;
    enum bm_rc rc;

    if (access(bm_agent_conf_path(), F_OK) == -1)
        return BM_OK;
    if ((rc = bm_turn_take(&turn, bm_agent_conf_path(), BM_TURN_WAIT, fail)) != BM_OK || (rc = bm_agent_conf_read(&conf, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < conf->n; i++)
        if (strcmp(conf->entry[i].root, root) == 0 && strcmp(conf->entry[i].service, service) == 0)
            entry = &conf->entry[i];
    if (entry == NULL)
        return BM_OK;
    for (; n < BM_AGENT_CERT_FILES && *entry->cert_file[n] != '\0'; n++)
        if (strcmp(entry->cert_file[n], path) == 0)
            return BM_OK;
    if (n == BM_AGENT_CERT_FILES)
        return bm_fail(fail, BM_EINPUT, NULL, "%s has %d certificate files of service %s already: take one out", bm_agent_conf_path(),
                       BM_AGENT_CERT_FILES, service);
    if (strlen(path) > BM_AGENT_VALUE || path[strcspn(path, "\n\r\t\x7f")] != '\0')
        return bm_fail(fail, BM_EINPUT, NULL, "its path is too long or has a control character");
    (void)snprintf(entry->cert_file[n], sizeof(entry->cert_file[n]), "%s", path);
    return conf_write(conf, fail);
}
