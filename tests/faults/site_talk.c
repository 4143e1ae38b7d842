/* site_talk.c - the registrar's end: starts the signer, asks, and believes nothing that does not fit into the ledger so far. */
#include "base/base.h"
#include "site_fixture.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 60000
#define MAX_WORDS 32

static void
check_leaf(struct fixture *f, const struct bm_s_leaf *leaf)
{
    uint8_t entry[BM_ENTRY], hash[BM_HASH];
    struct bm_event event = { .kind = BM_EVENT__N };

    if (leaf->index != f->ledger.size)
        fixture_die(__FILE__, __LINE__, "a ledger leaf", "is not the next one");
    fixture_must(bm_event_parse(&event, leaf->event, &fail));
    bm_entry_build(entry, event.kind, leaf->salt, leaf->event);
    bm_tree_leaf(hash, bm_bytes(entry, sizeof(entry)));
    fixture_must(bm_tree_append(&f->ledger, hash, &fail));
    if (event.kind == BM_EVENT_IDENTITY_ISSUED || event.kind == BM_EVENT_IDENTITY_REPLACED || event.kind == BM_EVENT_IDENTITY_RENEWED)
        f->certificates++;
    (void)snprintf(f->last_event, sizeof(f->last_event), "%.*s", (int)leaf->event.n, (const char *)leaf->event.p);
    if (leaf->certificate.n > sizeof(f->last_certificate))
        fixture_die(__FILE__, __LINE__, "a certificate", "is too long");
    if (leaf->certificate.n > 0) {
        memcpy(f->last_certificate, leaf->certificate.p, leaf->certificate.n);
        f->nlast_certificate = leaf->certificate.n;
    }
}

/* Over leaves that we hold, and going on from the one before: not over more, not over others, never back. */
static void
check_checkpoint(struct fixture *f, struct bm_bytes note)
{
    struct bm_tree_source source = bm_tree_source(&f->ledger);
    struct bm_checkpoint checkpoint = { .size = 0 };
    struct bm_proof proof = { .n = 0 };
    uint8_t root[BM_HASH];

    fixture_must(bm_checkpoint_open(&checkpoint, note, &f->ledger_key, f->ledger_key.name, &fail));
    if (checkpoint.size < f->checkpointed)
        fixture_die(__FILE__, __LINE__, "a checkpoint", "goes back");
    if (checkpoint.size > f->ledger.size) /* of a batch whose other answers are still to come */
        return;
    fixture_must(bm_root_make(root, &source, checkpoint.size, &fail));
    if (memcmp(root, checkpoint.root, BM_HASH) != 0)
        fixture_die(__FILE__, __LINE__, "a checkpoint", "is over other leaves");
    if (f->checkpointed > 0) {
        fixture_must(bm_consistency_make(&proof, &source, f->checkpointed, checkpoint.size, &fail));
        fixture_must(bm_consistency_check(&proof, f->checkpointed, checkpoint.size, f->checkpoint_root, checkpoint.root, &fail));
    }
    f->checkpointed = checkpoint.size;
    memcpy(f->checkpoint_root, checkpoint.root, BM_HASH);
    f->checkpoints++;
}

static void
text_take(char *ret, size_t n, struct bm_bytes text)
{
    (void)snprintf(ret, n, "%.*s", (int)text.n, (const char *)text.p);
}

static void
check_leaves(struct fixture *f, const struct bm_s_leaves *leaves, struct fixture_answer *answer)
{
    for (size_t i = 0; i < leaves->n; i++)
        check_leaf(f, &leaves->leaf[i]);
    if (leaves->checkpoint.n > 0)
        check_checkpoint(f, leaves->checkpoint);
    else if (leaves->n > 0)
        fixture_die(__FILE__, __LINE__, "leaves", "without a checkpoint");
    if (answer == NULL || leaves->n == 0)
        return;
    answer->nleaves = leaves->n;
    text_take(answer->event, sizeof(answer->event), leaves->leaf[0].event);
    if (leaves->leaf[0].certificate.n > 0)
        memcpy(answer->certificate, leaves->leaf[0].certificate.p, leaves->leaf[0].certificate.n);
    answer->ncertificate = leaves->leaf[0].certificate.n;
}

static void
read_issued(struct fixture *f, struct bm_bytes body, struct fixture_answer *answer)
{
    struct bm_s_issued issued;

    fixture_must(bm_s_issued_parse(&issued, bm_rd(body), &fail));
    answer->repeat = issued.repeat;
    memcpy(answer->serial, issued.serial, sizeof(answer->serial));
    answer->nserial = issued.nserial;
    text_take(answer->device, sizeof(answer->device), issued.device);
    check_leaves(f, &issued.leaves, answer);
}

static void
read_refused(struct fixture *f, struct bm_bytes body, struct fixture_answer *answer)
{
    struct bm_s_refused refused;

    fixture_must(bm_s_refused_parse(&refused, bm_rd(body), &fail));
    answer->rc = refused.rc;
    text_take(answer->sentence, sizeof(answer->sentence), refused.sentence);
    check_leaves(f, &refused.leaves, answer);
}

uint64_t
fixture_send(struct fixture *f, enum bm_signer_message type, struct bm_bytes body)
{
    struct bm_message message = { .type = (uint16_t)type, .id = ++f->id, .body = body };
    struct bm_fail fail = { .rc = BM_OK };

    if (bm_channel_send(f->channel, &message, &fail) == BM_EINPUT) /* gone is seen by the receiver */
        fixture_die(__FILE__, __LINE__, "send", fail.text);
    return f->id;
}

/* What the signer says unasked. */
static void
news(struct fixture *f, const struct bm_message *message)
{
    struct bm_s_leaves leaves;
    struct bm_s_token token;

    if (message->type == BM_S_LATE) {
        fixture_must(bm_s_leaves_parse(&leaves, bm_rd(message->body), &fail));
        check_leaves(f, &leaves, NULL);
        f->late++;
        return;
    }
    if (message->type == BM_S_CHANGED) {
        if (message->body.n % BM_S_CHANGED_ONE != 0 || message->body.n == 0)
            fixture_die(__FILE__, __LINE__, "changed", "it does not parse");
        f->changed++;
        for (size_t i = BM_S_CHANGED_ONE; i <= message->body.n; i += BM_S_CHANGED_ONE)
            f->urgent += message->body.p[i - 1];
        return;
    }
    fixture_must(bm_s_token_parse(&token, bm_rd(message->body), &fail));
    f->token_here = token.here;
    f->token_since = token.since;
    text_take(f->token_sentence, sizeof(f->token_sentence), token.sentence);
}

/* The next answer; *ret_heard BM_HEARD_NOTHING: none within the patience. */
static void
next(struct fixture *f, int patience, uint8_t *packet, size_t size, enum bm_heard *ret_heard, struct bm_message *ret_message)
{
    bool is_news;

    do {
        fixture_must(bm_channel_recv(ret_heard, ret_message, f->channel, packet, size, patience, &fail));
        is_news = *ret_heard == BM_HEARD_MESSAGE &&
                  (ret_message->type == BM_S_LATE || ret_message->type == BM_S_TOKEN || ret_message->type == BM_S_CHANGED);
        if (is_news)
            news(f, ret_message);
    } while (is_news);
}

void
fixture_listen(struct fixture *f, int patience)
{
    static uint8_t packet[BM_MAX_MESSAGE];
    enum bm_heard heard = BM_HEARD_NOTHING;
    struct bm_message message = { .type = 0 };

    next(f, patience, packet, sizeof(packet), &heard, &message);
    if (heard != BM_HEARD_NOTHING)
        fixture_die(__FILE__, __LINE__, "listen", heard == BM_HEARD_END ? "the signer has ended" : "an answer that nobody asked for");
}

void
fixture_recv(struct fixture *f, bool with_leaves, struct fixture_answer *ret_answer)
{
    static uint8_t packet[BM_MAX_MESSAGE];
    enum bm_heard heard = BM_HEARD_NOTHING;
    struct bm_message message = { .type = 0 };
    struct bm_s_leaves leaves;

    memset(ret_answer, 0, sizeof(*ret_answer));
    next(f, PATIENCE, packet, sizeof(packet), &heard, &message);
    if (heard == BM_HEARD_NOTHING)
        fixture_die(__FILE__, __LINE__, "recv", "no answer within a minute");
    if (heard == BM_HEARD_END)
        return;
    ret_answer->type = message.type;
    ret_answer->id = message.id;
    if (message.type == BM_S_ISSUED) {
        read_issued(f, message.body, ret_answer);
    } else if (message.type == BM_S_REFUSED) {
        read_refused(f, message.body, ret_answer);
    } else if (with_leaves && message.body.n > 0) { /* some answers are empty where a refusal would carry a leaf */
        fixture_must(bm_s_leaves_parse(&leaves, bm_rd(message.body), &fail));
        check_leaves(f, &leaves, ret_answer);
    } else {
        ret_answer->body.max = BM_MAX_MESSAGE;
        bm_buf_add_bytes(&ret_answer->body, message.body);
    }
}

/* Whoever reads a log of a night has no signer.err any more: what it said last, and wait(2)'s status, stand in the sentence. */
void
fixture_unanswered(struct fixture *f, const char *what, const struct fixture_answer *answer)
{
    char path[BM_PATH], said[256] = "", why[512];
    int status;
    FILE *errors;

    if (answer->type != 0)
        fixture_die(__FILE__, __LINE__, what, answer->sentence);
    status = fixture_stop(f);
    (void)snprintf(path, sizeof(path), "%s/signer.err", f->home);
    if ((errors = fopen(path, "r")) != NULL) {
        while (fgets(said, sizeof(said), errors) != NULL)
            continue;
        (void)fclose(errors);
    }
    said[strcspn(said, "\n")] = 0;
    (void)snprintf(why, sizeof(why), "the signer ended (%s %d): %s", WIFSIGNALED(status) ? "signal" : "exit",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), said[0] != 0 ? said : "it said nothing");
    fixture_die(__FILE__, __LINE__, what, why);
}

void
fixture_answer_done(struct fixture_answer *answer)
{
    bm_buf_done(&answer->body);
}

void
fixture_ask(struct fixture *f, enum bm_signer_message type, struct bm_bytes body, bool leaves, struct fixture_answer *ret_answer)
{
    uint64_t id = fixture_send(f, type, body);

    fixture_recv(f, leaves, ret_answer);
    if (ret_answer->type != 0 && ret_answer->id != id)
        fixture_die(__FILE__, __LINE__, "an answer", "is to another question");
}

void
fixture_replay(struct fixture *f)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 8 };
    struct fixture_answer answer;
    uint64_t before;

    bm_buf_add_u64(&body, f->ledger.size);
    (void)fixture_send(f, BM_S_REPLAY, bm_buf_bytes(&body));
    do {
        before = f->ledger.size;
        fixture_recv(f, true, &answer);
        if (answer.type != BM_S_ANSWER)
            fixture_unanswered(f, "replay", &answer);
    } while (f->ledger.size > before);
    if (f->checkpointed != f->ledger.size)
        fixture_die(__FILE__, __LINE__, "replay", "ends before its checkpoint");
}

static _Noreturn void
signer_run(const struct fixture *f, int end)
{
    const char *words[MAX_WORDS] = { NULL };
    union {
        const char **from;
        char *const *to;
    } argv = { .from = words };
    char errors[BM_PATH];
    size_t n = 0;
    int fd;

    for (const char *const *p = f->prefix; p != NULL && *p != NULL && n < MAX_WORDS - 4; p++)
        words[n++] = *p;
    words[n++] = BM_SIGNER_PROGRAM;
    words[n++] = "--home";
    words[n++] = f->home;
    (void)snprintf(errors, sizeof(errors), "%s/signer.err", f->home);
    if ((fd = open(errors, O_WRONLY | O_CREAT | O_APPEND, 0600)) < 0 || dup2(fd, 2) != 2 || dup2(fd, 1) != 1)
        _exit(126);
    if (end == 3 ? fcntl(3, F_SETFD, 0) != 0 : dup2(end, 3) != 3)
        _exit(126);
    (void)execvp(words[0], argv.to);
    (void)dprintf(2, "%s can't be run: %s\n", words[0], strerrordesc_np(errno));
    _exit(127);
}

void
fixture_spawn(struct fixture *f)
{
    int ends[2];

    fixture_must(bm_channel_pair(ends, &fail));
    f->signer = fork();
    if (f->signer == 0)
        signer_run(f, ends[1]);
    (void)close(ends[1]);
    f->channel = ends[0];
}

void
fixture_start(struct fixture *f)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 8 };
    struct fixture_answer answer;
    struct bm_s_site site = { .ledger_size = 0 };

    fixture_spawn(f);
    bm_buf_add_u64(&body, f->ledger.size);
    fixture_ask(f, BM_S_HELLO, bm_buf_bytes(&body), false, &answer);
    if (answer.type != BM_S_ANSWER)
        fixture_unanswered(f, "hello", &answer);
    fixture_must(bm_s_site_parse(&site, bm_rd(bm_buf_bytes(&answer.body)), &fail));
    if (memcmp(site.site, f->site, BM_HASH) != 0)
        fixture_die(__FILE__, __LINE__, "hello", "another site");
    f->seq = site.next_seq;
    fixture_answer_done(&answer);
    if (site.ledger_size > f->ledger.size) /* otherwise the signer may tell of new leaves from now on */
        fixture_replay(f);
}

void
fixture_forget(struct fixture *f)
{
    bm_tree_done(&f->ledger);
    bm_tree_init(&f->ledger, 1u << 20);
    f->checkpointed = 0;
    f->certificates = 0;
}

int
fixture_stop(struct fixture *f)
{
    int status = 0;

    bm_fd_done(&f->channel);
    while (waitpid(f->signer, &status, 0) < 0 && errno == EINTR)
        continue;
    f->signer = 0;
    return status;
}
