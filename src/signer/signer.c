#include "base/base.h"
#include "signer/signer.h"

#include <stdlib.h>

#define MAX_ARENA (32u << 20) /* what a batch answers: 64 refusals, certificates, two CRLs or 64 */

void
bm_signer_init(struct bm_signer *signer, const struct bm_env *env, int channel)
{
    memset(signer, 0, sizeof(*signer));
    signer->env = env;
    signer->channel = channel;
    signer->queue.keeper.channel = signer->queue.keeper.leash = -1;
    signer->arena.max = MAX_ARENA;
    signer->checkpoint.max = BM_MAX_NOTE;
    signer->record.max = BM_MAX_RECORD;
    for (size_t i = 0; i < BM_MAX_RECORD_LEAVES; i++)
        signer->text[i].max = BM_MAX_EVENT;
    signer->body.max = BM_MAX_MESSAGE_BODY;
    signer->read.max = BM_MAX_RECORD;
    signer->der.max = BM_MAX_CERT;
}

void
bm_signer_done(struct bm_signer *signer)
{
    for (size_t i = 0; i < signer->nkeys; i++) {
        bm_token_close(signer->keys[i].token);
        bm_buf_done(&signer->keys[i].der);
    }
    bm_buf_done(&signer->root);
    bm_queue_done(&signer->queue);
    bm_lot_close(signer);
    bm_journal_close(&signer->journal);
    bm_memory_done(&signer->memory);
    bm_buf_done(&signer->arena);
    bm_buf_done(&signer->checkpoint);
    bm_buf_done(&signer->record);
    for (size_t i = 0; i < BM_MAX_RECORD_LEAVES; i++)
        bm_buf_done(&signer->text[i]);
    bm_buf_done(&signer->body);
    bm_buf_done(&signer->read);
    bm_buf_done(&signer->der);
    bm_secret_wipe(&signer->nonce_key);
    bm_note_signer_wipe(&signer->ledger);
    bm_crypto_free(signer->crypto);
    free(signer->site);
    memset(signer, 0, sizeof(*signer));
}
