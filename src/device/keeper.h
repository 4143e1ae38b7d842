/* keeper.h - a root of trust that keys of one program share: counted, locked, open only in the process that signs. */
#ifndef BM_KEEPER_H
#define BM_KEEPER_H

#include "root/root.h"

/*
 * Servers load their keys, then fork: a connection to a TPM or a token that crossed the fork would be spoken into by all of them. So a keeper opens its
 * root to look something up and closes it, opens it again for the first signature, and opens anew where it finds itself in another process.
 */
struct bm_keeper;

/* The keepers of one provider: a TPM without a resource manager takes one connection, so keys in one root share it. */
struct bm_keepers;
struct bm_keepers *bm_keepers_new(void);          /* NULL: no memory */
void bm_keepers_free(struct bm_keepers *keepers); /* accepts NULL; what is still held is left as it is: the process ends */

bm_must_use enum bm_rc bm_keeper_get(struct bm_keeper **ret_keeper, struct bm_keepers *keepers, const char *root_uri, struct bm_fail *fail);
/* Around a root that is open and that somebody else closes. */
bm_must_use enum bm_rc bm_keeper_lend(struct bm_keeper **ret_keeper, struct bm_root *root, struct bm_fail *fail);
struct bm_keeper *bm_keeper_again(struct bm_keeper *keeper); /* one more owner; accepts NULL */
void bm_keeper_drop(struct bm_keeper *keeper);               /* one less; accepts NULL */
void bm_keeper_done(struct bm_keeper **keeper);

/* Between these two the root is the caller's alone. give: keep says whether it stays open for the next signature. After a refusal of take, no give. */
bm_must_use enum bm_rc bm_keeper_take(struct bm_keeper *keeper, struct bm_root **ret_root, struct bm_fail *fail);
void bm_keeper_give(struct bm_keeper *keeper, bool keep);

#endif
