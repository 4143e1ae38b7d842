/* box.h - bytes in a box that only its key opens: AES-256-GCM with a random nonce, under the name that they are kept by. */
#ifndef BM_BOX_H
#define BM_BOX_H

#include "base/bytes.h"
#include "digest/digest.h"

#define BM_BOX_KEY 32
#define BM_BOX_EXTRA 28 /* nonce before, tag behind */

/* Appends nonce, ciphertext and tag. The name is not inside, and the box does not open under another. */
bm_must_use enum bm_rc bm_box_close(struct bm_buf *box, const uint8_t key[static BM_BOX_KEY], const char *name, struct bm_bytes bytes,
                                    struct bm_fail *fail);
/* Appends what is inside. BM_EPOLICY: it is not by this key under this name, or was changed. */
bm_must_use enum bm_rc bm_box_open(struct bm_buf *bytes, const uint8_t key[static BM_BOX_KEY], const char *name, struct bm_bytes box,
                                   struct bm_fail *fail);

#endif
