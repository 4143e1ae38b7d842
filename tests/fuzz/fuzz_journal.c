/*
 * fuzz_journal.c - two properties. First byte 0: any file is refused, or opens to records that chain, and opens to the same ones again. Otherwise: a
 * record of this type with any body, after a founding, is applied or refused with a sentence, and never half (the ledger grows by its leaves or not at all).
 */
#include "fuzz.h"

#include "pki/private.h"
#include "signer/memory.h"

#include <sys/mman.h>
#include <unistd.h>

static enum bm_rc
count(void *ctx, const struct bm_record *record, struct bm_fail *fail)
{
    uint64_t *sum = ctx;

    (void)fail;
    *sum = *sum * 31 + record->type + record->body.n + record->at;
    return BM_OK;
}

static void
any_file(const uint8_t *data, size_t size)
{
    struct bm_fail fail = { .rc = BM_OK };
    struct bm_journal journal;
    uint64_t once = 0, twice = 0, kept;
    int fd = memfd_create("journal", MFD_CLOEXEC);

    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    if (bm_journal_open(&journal, fd, count, &once, &fail) == BM_OK) {
        kept = journal.size;
        must(kept <= size && lseek(fd, 0, SEEK_END) == (off_t)kept);
        bm_journal_close(&journal);
        must(bm_journal_open(&journal, fd, count, &twice, &fail) == BM_OK && once == twice && journal.size == kept);
        bm_journal_close(&journal);
    } else {
        must(fail.rc == BM_EBUG && fail.text[0] != '\0' && lseek(fd, 0, SEEK_END) == (off_t)size);
    }
    (void)close(fd);
}

/* A CA's certificate, made once. */
static struct bm_bytes
ca_cert(void)
{
    static struct bm_buf der = { .max = BM_MAX_CERT };
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, name = { .max = BM_MAX_DN },
                                          signature = { .max = BM_MAX_SIGNATURE };
    struct bm_ca_subject subject = { .common_name = "ca", .organization = "Fuzz", .path_len = 0 };
    struct bm_issuer issuer = { .not_after = BM_TIME_NEVER };
    const uint8_t serial[16] = { 0x41 };
    struct bm_fail fail;

    if (der.n > 0)
        return bm_buf_bytes(&der);
    must(bm_private_generate(&key, BM_KEY_P256, &fail) == BM_OK);
    bm_name_build(&name, "Fuzz", "ca");
    issuer.subject = bm_buf_bytes(&name);
    issuer.alg = bm_private_alg(key);
    must(bm_tbs_ca_build(&tbs, &issuer, &subject, bm_key_spki(bm_private_public(key)), bm_bytes(serial, sizeof(serial)), 1800000000,
                         BM_TIME_NEVER, &fail) == BM_OK);
    must(bm_private_sign(key, bm_buf_bytes(&tbs), &signature, &fail) == BM_OK);
    bm_signed_build(&der, bm_buf_bytes(&tbs), issuer.alg, bm_buf_bytes(&signature));
    return bm_buf_bytes(&der);
}

/* A founded memory, with one chip, so that an intent finds something. */
static void
found(struct bm_memory *memory)
{
    static const char roles[] = "birthmark/roles/v1\n"
                                "site 0000000000000000000000000000000000000000000000000000000000000000\n"
                                "seq 1\ntime 2026-11-23T21:34:09Z\nby anna\n";
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT }, body = { .max = BM_MAX_STATEMENT };
    const struct bm_chip_names chip = { .names = { { 2 } }, .n = 1 };
    const uint8_t key[BM_NOTE_KEY] = { 1 };
    uint32_t unit;
    struct bm_founded founded = { .leaves = { .n = 0 } };
    struct bm_record record = { .type = BM_R_FOUNDED };
    struct bm_note_key anna;
    struct bm_fail fail;

    must(bm_note_key_init(&anna, "anna", key, &fail) == BM_OK);
    bm_buf_add_str(&text, roles);
    bm_buf_add_str(&text, "base 0000000000000000000000000000000000000000000000000000000000000000\noperator anna officer ");
    bm_note_vkey_build(&text, &anna);
    bm_buf_add_u8(&text, '\n');
    founded.roles = bm_buf_bytes(&text);
    founded.root = founded.ca[BM_CA_OPERATIONAL] = founded.ca[BM_CA_IDEVID] = ca_cert();
    bm_founded_build(&body, &founded);
    record.body = bm_buf_bytes(&body);
    must(bm_memory_apply(memory, &record, &fail) == BM_OK);
    must(bm_slots_name(&memory->slots, &chip, chip.names[0], memory->site, &unit, &fail) == BM_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t site[BM_HASH] = { 0 };
    struct bm_fail fail = { .rc = BM_OK };
    struct bm_memory memory;
    struct bm_record record;
    uint64_t before;

    if (size == 0)
        return 0;
    if (data[0] == 0) {
        any_file(data + 1, size - 1);
        return 0;
    }
    must(bm_memory_init(&memory, site, 1, &fail) == BM_OK);
    found(&memory);
    record = (struct bm_record){ .at = 1000, .type = data[0], .body = bm_bytes(data + 1, size - 1) };
    before = memory.book.frontier.size;
    if (bm_memory_apply(&memory, &record, &fail) != BM_OK)
        must(fail.rc != BM_EINPUT && fail.rc != BM_EPOLICY && fail.text[0] != '\0' && memory.book.frontier.size == before);
    else
        must(memory.book.frontier.size <= before + BM_MAX_RECORD_LEAVES);
    bm_memory_done(&memory);
    return 0;
}
