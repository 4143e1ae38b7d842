/* fuzz_transcript.c - an entry of a root's transcript has one text for one content; a whole transcript is read or refused with a sentence. */
#include "fuzz.h"

#include "record/transcript.h"

static void
whole(struct bm_bytes text)
{
    static struct bm_crypto *crypto;
    bm_cleanup(bm_transcript_done) struct bm_transcript *t = NULL;
    struct bm_fail fail = { 0 };

    if (crypto == NULL)
        must(bm_crypto_new(&crypto, &fail) == BM_OK);
    if (bm_transcript_read(&t, crypto, text, NULL, NULL, &fail) == BM_OK)
        must(t->n > 0 && t->nissued > 0 && t->issued[0].class == BM_CLASS_ROOT);
    else
        must(fail.text[0] != 0 && fail.rc != BM_EBUG);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_transcript_entry_done) struct bm_transcript_entry *entry = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = 1 << 20 };
    struct bm_bytes text = bm_bytes(data, size);
    struct bm_fail fail = { 0 };

    must(bm_transcript_entry_new(&entry, &fail) == BM_OK);
    if (bm_transcript_entry_parse(entry, text, &fail) == BM_OK) {
        bm_transcript_entry_build(&again, entry);
        must(bm_bytes_equal(bm_buf_bytes(&again), text));
    } else {
        must(fail.text[0] != 0);
    }
    whole(text);
    return 0;
}
