/* secret.h - key-shaped memory that cannot leave its scope unwiped. */
#ifndef BM_SECRET_H
#define BM_SECRET_H

#include "base/base.h"

struct bm_secret {
    uint8_t b[64];
    size_t n;
};

static inline void
bm_secret_wipe(struct bm_secret *secret)
{
    explicit_bzero(secret, sizeof(*secret));
}

#define BM_SECRET(name) bm_cleanup(bm_secret_wipe) struct bm_secret name = { .n = 0 }

#endif
