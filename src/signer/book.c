#include "base/base.h"
#include "signer/book.h"

#include "digest/digest.h"
#include "wire/text.h"

#include <stdlib.h>

void
bm_book_done(struct bm_book *book)
{
    free(book->at);
    *book = (struct bm_book){ .cap = 0 };
}

static enum bm_rc
room(struct bm_book *book, struct bm_fail *fail)
{
    size_t wider = book->cap + book->cap / 2 + 64;
    uint64_t *p;

    if (book->frontier.size < book->cap)
        return BM_OK;
    if ((p = reallocarray(book->at, wider, sizeof(*p))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the index of %zu ledger leaves", wider);
    book->at = p;
    book->cap = wider;
    return BM_OK;
}

enum bm_rc
bm_book_append(struct bm_book *book, const struct bm_record_leaves *leaves, uint64_t record_at, struct bm_fail *fail)
{
    uint8_t entry[BM_ENTRY], hash[BM_HASH];
    enum bm_rc rc;

    for (size_t i = 0; i < leaves->n; i++) {
        if ((rc = room(book, fail)) != BM_OK)
            return rc;
        bm_entry_build(entry, leaves->leaf[i].kind, leaves->leaf[i].salt, leaves->leaf[i].event);
        bm_tree_leaf(hash, bm_bytes(entry, sizeof(entry)));
        book->at[book->frontier.size] = record_at;
        bm_frontier_append(&book->frontier, hash);
    }
    return BM_OK;
}

enum bm_rc
bm_book_signer(struct bm_note_signer *ret_signer, uint8_t ret_site[static BM_HASH], struct bm_bytes pem, struct bm_fail *fail)
{
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer nameless = { .seed = { 0 } };
    uint8_t site[BM_HASH];
    char name[BM_ORIGIN] = "birthmark/";
    enum bm_rc rc;

    if ((rc = bm_note_signer_pem_parse(&nameless, "birthmark", pem, fail)) != BM_OK)
        return rc;
    bm_sha256_pieces(site, &(struct bm_bytes){ .p = nameless.key.key, .n = BM_NOTE_KEY }, 1);
    bm_hex(name + strlen(name), bm_bytes(site, BM_HASH));
    if ((rc = bm_note_signer_init(ret_signer, name, nameless.seed, fail)) != BM_OK)
        return rc;
    memcpy(ret_site, site, BM_HASH);
    return BM_OK;
}

enum bm_rc
bm_book_checkpoint(const struct bm_book *book, const struct bm_note_signer *signer, struct bm_buf *note, struct bm_fail *fail)
{
    struct bm_checkpoint checkpoint = { .size = book->frontier.size };

    memcpy(checkpoint.origin, signer->key.name, sizeof(checkpoint.origin));
    bm_frontier_root(&book->frontier, checkpoint.root);
    return bm_checkpoint_sign(note, &checkpoint, signer, fail);
}
