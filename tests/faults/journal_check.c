/*
 * journal_check.c - reads a signer's journal and says what must never be: one serial with two contents, an intent done twice, a done record without
 * its intent. Prints the serials that were signed, one a line. exit: 0 all is well, 1 it is not (one sentence), 2 used wrongly.
 */
#include "base/base.h"
#include "signer/journal.h"
#include "signer/records.h"

#include "pki/key.h"
#include "wire/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define MOST 4096

struct intent {
    uint64_t at;
    uint8_t tbs[BM_HASH];
    uint8_t serial[BM_MAX_SERIAL];
    size_t nserial;
    unsigned done;
};

struct check {
    struct intent intents[MOST];
    size_t n;
};

static enum bm_rc
intent_see(struct check *check, const struct bm_record *record, struct bm_fail *fail)
{
    struct intent *at = &check->intents[check->n];
    struct bm_intent intent;
    enum bm_rc rc;

    if (check->n == MOST)
        return bm_fail(fail, BM_EINPUT, NULL, "more than %d intents", MOST);
    if ((rc = bm_intent_parse(&intent, record->body, fail)) != BM_OK)
        return rc;
    *at = (struct intent){ .at = record->at, .nserial = intent.serial.n };
    memcpy(at->serial, intent.serial.p, intent.serial.n);
    bm_sha256(at->tbs, intent.tbs);
    for (size_t i = 0; i < check->n; i++)
        if (check->intents[i].nserial == at->nserial && memcmp(check->intents[i].serial, at->serial, at->nserial) == 0)
            return bm_fail(fail, BM_EPOLICY, NULL, "the intents at %llu and %llu have one serial%s",
                           (unsigned long long)check->intents[i].at, (unsigned long long)at->at,
                           memcmp(check->intents[i].tbs, at->tbs, BM_HASH) == 0 ? "" : " and two contents");
    check->n++;
    return BM_OK;
}

static enum bm_rc
done_see(struct check *check, const struct bm_record *record, struct bm_fail *fail)
{
    struct bm_done done;
    enum bm_rc rc;

    if ((rc = bm_done_parse(&done, record->body, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < check->n; i++)
        if (check->intents[i].at == done.intent) {
            if (check->intents[i].done++ > 0)
                return bm_fail(fail, BM_EPOLICY, NULL, "the intent at %llu was done twice", (unsigned long long)done.intent);
            return BM_OK;
        }
    return bm_fail(fail, BM_EPOLICY, NULL, "the done record at %llu has no intent", (unsigned long long)record->at);
}

static enum bm_rc
see(void *ctx, const struct bm_record *record, struct bm_fail *fail)
{
    switch (record->type) {
    case BM_R_INTENT:
        return intent_see(ctx, record, fail);
    case BM_R_DONE:
        return done_see(ctx, record, fail);
    default:
        return BM_OK;
    }
}

static void
report(const struct check *check)
{
    for (size_t i = 0; i < check->n; i++) {
        char serial[2 * BM_MAX_SERIAL + 1];

        bm_hex(serial, bm_bytes(check->intents[i].serial, check->intents[i].nserial));
        (void)printf("%s %s\n", serial, check->intents[i].done == 1 ? "done" : "open");
    }
}

int
main(int argc, char **argv)
{
    static struct check check;
    struct bm_journal journal;
    struct bm_fail fail = { .rc = BM_OK };
    int fd;
    enum bm_rc rc;

    /* Of a copy: opening cuts off what a crash left half written. */
    if (argc != 2 || (fd = open(argv[1], O_RDWR | O_CLOEXEC)) < 0) {
        (void)fputs("usage: journal_check COPY-OF-A-JOURNAL\n", stderr);
        return 2;
    }
    if ((rc = bm_journal_open(&journal, fd, see, &check, &fail)) == BM_OK) {
        bm_journal_close(&journal);
        report(&check);
    } else {
        (void)fprintf(stderr, "journal_check: %s\n", fail.text);
    }
    (void)close(fd);
    return rc == BM_OK ? 0 : 1;
}
