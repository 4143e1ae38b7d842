/* token_kit.c - a site whose CA keys are in a SoftHSM token behind softhsm_shim.c. */
#include "token_kit.h"

#include "base/file.h"
#include "proc/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LONG_ENOUGH 60000 /* milliseconds: the keeper's longest pause, and a machine that is busy */

void
token_run(const char *command)
{
    if (system(command) != 0)
        fixture_die(__FILE__, __LINE__, command, "failed");
}

static __attribute__((noinline)) void /* its path beside the caller's is more stack than one function may have */
put(const struct fixture *f, const char *name, struct bm_bytes bytes)
{
    char path[BM_PATH];

    fixture_must(bm_path_join(path, f->home, name, &fail));
    fixture_must(bm_file_write(path, bytes, 0600, &fail));
}

void
token_move(struct fixture *f, const char *module, const char *pin)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 65536 };
    struct bm_site *site = calloc(1, sizeof(*site));
    char path[BM_PATH], line[2 * BM_PATH];

    assert_non_null(site);
    (void)snprintf(path, sizeof(path), "%s/softhsm.conf", f->home);
    (void)snprintf(line, sizeof(line), "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n", f->home);
    put(f, "softhsm.conf", bm_bytes_str(line));
    (void)snprintf(line, sizeof(line), "%s/tokens", f->home);
    fixture_must(bm_dir_make(line, 0700, &fail));
    assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
    token_run("softhsm2-util --init-token --free --label ca --so-pin 5678 --pin 1234 >/dev/null");
    for (size_t ca = 0; ca < BM_CA__N; ca++) {
        const char *name = ca == BM_CA_OPERATIONAL ? "operational" : "idevid";

        (void)snprintf(
            line, sizeof(line),
            "softhsm2-util --import %s/signer/%s.key --token ca --label %s --id 0%zu --pin 1234 >/dev/null && rm %s/signer/%s.key", f->home,
            name, name, ca + 1, f->home, name);
        token_run(line);
    }
    (void)snprintf(path, sizeof(path), "%s/" BM_PLACE_SITE, f->home);
    fixture_must(bm_file_read(&text, path, &fail));
    fixture_must(bm_site_parse(site, bm_buf_bytes(&text), &fail));
    for (size_t ca = 0; ca < BM_CA__N; ca++)
        (void)snprintf(site->ca[ca].key, sizeof(site->ca[ca].key), "pkcs11:token=ca;object=%s?module-path=%s&%s",
                       ca == BM_CA_OPERATIONAL ? "operational" : "idevid", module, pin);
    bm_buf_reset(&text);
    bm_site_build(&text, site);
    put(f, BM_PLACE_SITE, bm_buf_bytes(&text));
    free(site);
}

int
token_set_up(void **state)
{
    struct token_site *t = calloc(1, sizeof(*t));
    char pin[BM_PATH];

    assert_non_null(t);
    fixture_make(&t->f);
    put(&t->f, "pin", bm_bytes_str("1234"));
    (void)snprintf(pin, sizeof(pin), "pin-source=%s/pin", t->f.home);
    token_move(&t->f, BM_SHIM, pin);
    fixture_start(&t->f);
    assert_true(t->f.token_here);
    fixture_lot_make(&t->f, &t->lot, "L1", TOKEN_CHIPS);
    fixture_pin(&t->f, &t->lot);
    fixture_order(&t->f, "order-1", &t->lot, TOKEN_CHIPS);
    *state = t;
    return 0;
}

int
token_tear_down(void **state)
{
    struct token_site *t = *state;

    assert_int_equal(fixture_stop(&t->f), 0);
    fixture_lot_done(&t->lot);
    fixture_remove(&t->f);
    free(t);
    return 0;
}

void
token_fault(struct token_site *t, const char *line)
{
    char path[BM_PATH];

    if (line != NULL) {
        put(&t->f, "tokens/fault", bm_bytes_str(line));
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/tokens/fault", t->f.home);
    (void)unlink(path);
}

size_t
token_calls(const struct token_site *t, const char *function)
{
    char path[BM_PATH], line[64];
    size_t n = 0;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/tokens/calls", t->f.home);
    if ((file = fopen(path, "re")) == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL)
        n += strncmp(line, function, strlen(function)) == 0 && line[strlen(function)] == '\n';
    (void)fclose(file);
    return n;
}

static void
token_to(const struct token_site *t, const char *from, const char *to)
{
    char before[BM_PATH], after[BM_PATH];

    (void)snprintf(before, sizeof(before), "%s/%s", t->f.home, from);
    (void)snprintf(after, sizeof(after), "%s/%s", t->f.home, to);
    assert_int_equal(rename(before, after), 0);
}

void
token_remove(struct token_site *t)
{
    token_to(t, "tokens", "pulled");
}

void
token_return(struct token_site *t)
{
    token_to(t, "pulled", "tokens");
}

uint64_t
token_ask(struct token_site *t)
{
    bm_cleanup(bm_buf_done) struct bm_buf bundle = { .max = BM_MAX_EVIDENCE }, body = { .max = BM_MAX_MESSAGE_BODY };
    struct fixture_request request = { .lot = &t->lot, .chip = t->chip++ };

    assert_true(t->chip <= TOKEN_CHIPS);
    fixture_bundle(&t->f, &bundle, &request);
    fixture_issue_body(&body, &request, bm_buf_bytes(&bundle));
    return fixture_send(&t->f, BM_S_ISSUE, bm_buf_bytes(&body));
}

void
token_issued(struct token_site *t, struct fixture_answer *answer)
{
    struct bm_cert cert, ca;
    uint64_t id = token_ask(t);

    fixture_recv(&t->f, true, answer);
    if (answer->type != BM_S_ISSUED)
        fixture_unanswered(&t->f, "issue", answer);
    assert_int_equal(answer->id, id);
    fixture_must(bm_cert_parse(&cert, bm_bytes(answer->certificate, answer->ncertificate), &fail));
    fixture_must(bm_cert_parse(&ca, bm_buf_bytes(&t->f.ca[BM_CA_OPERATIONAL]), &fail));
    fixture_must(bm_cert_signed_by(t->f.crypto, &cert, &ca, &fail));
}

void
token_busy(struct token_site *t, const char *words)
{
    struct fixture_answer answer;

    (void)token_ask(t);
    fixture_recv(&t->f, true, &answer);
    assert_int_equal(answer.type, BM_S_REFUSED);
    assert_int_equal(answer.rc, BM_EBUSY); /* HTTP 503, and exit 3 on the device */
    assert_int_equal(answer.nleaves, 0);
    if (strstr(answer.sentence, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", answer.sentence, words);
}

void
token_await(struct token_site *t, bool here)
{
    int64_t until = bm_clock_ms() + LONG_ENOUGH;

    while (t->f.token_here != here && bm_clock_ms() < until)
        fixture_listen(&t->f, 20);
    if (t->f.token_here != here)
        fail_msg("the token is %s after a minute: %s", here ? "away" : "here", t->f.token_sentence);
}

void
token_nonce(struct token_site *t)
{
    uint8_t nonce[BM_NONCE], root[BM_HASH] = { 1 };
    int64_t began = bm_clock_ms();

    fixture_nonce(&t->f, root, nonce);
    assert_true(bm_clock_ms() - began < 1000);
}
