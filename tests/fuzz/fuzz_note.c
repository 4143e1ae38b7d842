/* fuzz_note.c - notes, checkpoints, verifier keys, tile paths, proofs and frontiers have one form each: what is read is what would be written. */
#include "fuzz.h"

#include "merkle/checkpoint.h"
#include "merkle/tree.h"

static void
checkpoint_again(struct bm_bytes text)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = text.n + 64 };
    struct bm_checkpoint checkpoint;
    struct bm_fail fail = { 0 };

    if (bm_checkpoint_parse(&checkpoint, text, &fail) != BM_OK)
        return;
    must(bm_checkpoint_build(&again, &checkpoint, &fail) == BM_OK);
    must(bm_bytes_equal(bm_buf_bytes(&again), text));
}

static void
note_again(struct bm_bytes bytes)
{
    static const uint8_t seed[BM_NOTE_KEY] = { 1 };
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer signer = { 0 };
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_NOTE + 1000 };
    struct bm_fail fail = { 0 };
    struct bm_note note;

    if (bm_note_parse(&note, bytes, &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return;
    }
    bm_buf_add_bytes(&again, note.text);
    bm_buf_add_str(&again, "\n");
    for (size_t i = 0; i < note.nsigs; i++) {
        bm_buf_add_str(&again, "\xe2\x80\x94 ");
        bm_buf_add_bytes(&again, note.sigs[i].name);
        bm_buf_add_str(&again, " ");
        bm_buf_add_bytes(&again, note.sigs[i].b64);
        bm_buf_add_str(&again, "\n");
    }
    must(bm_bytes_equal(bm_buf_bytes(&again), bytes));
    checkpoint_again(note.text);
    must(bm_note_signer_init(&signer, "fuzz", seed, &fail) == BM_OK);
    must(bm_note_check(&note, &signer.key, &fail) != BM_OK);
}

static void
vkey_again(struct bm_bytes text)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = text.n + 1 };
    struct bm_fail fail = { 0 };
    struct bm_note_key key;

    if (bm_note_vkey_parse(&key, text, &fail) != BM_OK)
        return;
    bm_note_vkey_build(&again, &key);
    must(bm_bytes_equal(bm_buf_bytes(&again), text));
}

static void
proof_again(struct bm_bytes bytes)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = bytes.n + 1 };
    struct bm_fail fail = { 0 };
    struct bm_proof proof;

    if (bm_proof_parse(&proof, bytes, &fail) == BM_OK) {
        bm_proof_build(&again, &proof);
        must(bm_bytes_equal(bm_buf_bytes(&again), bytes));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bm_bytes input = bm_bytes(data, size);

    note_again(input);
    checkpoint_again(input);
    vkey_again(input);
    proof_again(input);
    return 0;
}
