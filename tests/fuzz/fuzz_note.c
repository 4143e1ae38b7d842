/* fuzz_note.c - notes, checkpoints, verifier keys, tile paths, proofs and frontiers have one form each: what is read is what would be written. */
#include "fuzz.h"

#include "merkle/checkpoint.h"
#include "merkle/tiles.h"
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
    uint64_t who = 0;

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
    /* a signature more, and it is a note that this key has signed */
    must(bm_note_signer_init(&signer, "fuzz", seed, &fail) == BM_OK);
    must(bm_note_check(&note, &signer.key, &fail) != BM_OK);
    if (bm_note_sign(&again, &signer, &fail) == BM_OK) {
        must(bm_note_parse(&note, bm_buf_bytes(&again), &fail) == BM_OK);
        must(bm_note_check_any(&note, &signer.key, 1, &who, &fail) == BM_OK && who == 1);
    }
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
tile_again(struct bm_bytes path)
{
    char again[BM_TILE_PATH];
    struct bm_fail fail = { 0 };
    struct bm_tile tile;

    if (bm_tile_parse(&tile, path, &fail) != BM_OK)
        return;
    bm_tile_print(again, &tile);
    must(bm_bytes_equal(bm_bytes_str(again), path));
}

static void
tree_again(struct bm_bytes bytes)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = bytes.n + 1 };
    struct bm_frontier frontier;
    struct bm_fail fail = { 0 };
    struct bm_proof proof;
    uint8_t root[BM_HASH];

    if (bm_frontier_parse(&frontier, bytes, &fail) == BM_OK) {
        bm_frontier_build(&again, &frontier);
        must(bm_bytes_equal(bm_buf_bytes(&again), bytes));
        bm_frontier_root(&frontier, root);
        bm_frontier_append(&frontier, root);
    }
    bm_buf_reset(&again);
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
    tile_again(input);
    tree_again(input);
    return 0;
}
