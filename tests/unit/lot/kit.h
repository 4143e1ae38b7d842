/* kit.h - what the tests of lot share: sentences asserted, chips and signers made, shared material found. */
#ifndef BM_TEST_LOT_KIT_H
#define BM_TEST_LOT_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lot/lot.h"
#include "pki/private.h"
#include "wire/der.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

/* Fails with the sentence that was recorded. */
#define assert_rc(want, call)                                                                 \
    do {                                                                                      \
        enum bm_rc kit_rc_ = (call);                                                          \
        if (kit_rc_ != (want))                                                                \
            fail_msg("%s: %s, not %s: %s", #call, bm_rc_word(kit_rc_), #want, kit_fail.text); \
    } while (0)
#define assert_ok(call) assert_rc(BM_OK, call)
#define assert_refused(want, call, sentence)            \
    do {                                                \
        assert_rc(want, call);                          \
        assert_string_equal(kit_fail.text, (sentence)); \
    } while (0)

static struct bm_fail kit_fail __attribute__((unused));

/* A chip with nkeys fresh P-256 keys, the second of them (if any) one that only decrypts. */
static inline void
kit_leaf(struct bm_leaf *leaf, const char *id, size_t nkeys)
{
    *leaf = (struct bm_leaf){ .kind = BM_LEAF_KEYS, .root = BM_ROOT_SECURE_ELEMENT, .nkeys = nkeys, .nhashes = 1 };
    (void)snprintf(leaf->id, sizeof(leaf->id), "%s", id);
    for (size_t i = 0; i < nkeys; i++) {
        bm_cleanup(bm_private_done) struct bm_private *key = NULL;

        assert_ok(bm_private_generate(&key, BM_KEY_P256, &kit_fail));
        leaf->keys[i].key = *bm_private_public(key);
        leaf->keys[i].use = i == 1 ? BM_USE_DECRYPT : BM_USE_SIGN;
    }
    memset(leaf->hashes[0], 0xab, BM_HASH);
}

static inline void
kit_signer(struct bm_note_signer *signer, const char *name, uint8_t first)
{
    uint8_t seed[BM_NOTE_KEY] = { first };

    assert_ok(bm_note_signer_init(signer, name, seed, &kit_fail));
}

/* Content of ../shared/REST; false when it is not there. */
static inline bool
kit_shared(struct bm_buf *buf, const char *rest)
{
    const char *from = getenv("BM_SHARED");
    char path[4096];
    uint8_t part[4096];
    size_t n;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", from != NULL ? from : BM_SOURCE_ROOT "/../shared", rest);
    if ((f = fopen(path, "rb")) == NULL)
        return false;
    while ((n = fread(part, 1, sizeof(part), f)) > 0)
        bm_buf_add(buf, part, n);
    (void)fclose(f);
    assert_false(buf->bad);
    return true;
}

#endif
