/* infineon_kit.h - what the tests of Infineon's reels share: reels made of three chips, and what a reading told. */
#ifndef BM_TEST_INFINEON_KIT_H
#define BM_TEST_INFINEON_KIT_H

#include "maker.h"
#include "reels.h"

#include "lot/reel.h"
#include "pki/cert.h"

#define Y2023 1672531200
#define Y2043 2303683200
#define README "Dear User,\n"
#define MAX_CHIPS 256

struct told {
    size_t n;
    struct {
        char id[BM_MAX_ID + 1];
        uint8_t first_key[BM_HASH], keys[BM_HASH]; /* all of the leaf's, hashed */
        uint32_t signatures;
    } chip[MAX_CHIPS];
    struct bm_leaf leaf; /* the last */
    struct kit_odd odd;
    size_t unsigned_, no_roots, broken;
};

static inline enum bm_rc
tell_chip(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, const struct bm_leaf_digest *digest,
          struct bm_fail *fail)
{
    struct bm_bytes hashes[BM_MAX_CHIP_KEYS];
    struct told *told = ctx;

    (void)digest;
    assert_true(index == told->n && told->n < MAX_CHIPS);
    kit_odd_take(&told->odd, index, chip);
    for (size_t i = 0; i < chip->nfindings; i++) {
        told->unsigned_ += chip->findings[i].check == BM_CHECK_UNSIGNED;
        told->broken += chip->findings[i].check == BM_CHECK_BROKEN_DER;
        told->no_roots += chip->findings[i].check == BM_CHECK_NO_ROOTS;
    }
    assert_ok(bm_leaf_parse(&told->leaf, der, fail));
    (void)snprintf(told->chip[told->n].id, sizeof(told->chip[0].id), "%s", told->leaf.id);
    for (size_t i = 0; i < told->leaf.nkeys; i++)
        hashes[i] = bm_bytes(told->leaf.keys[i].key.hash, BM_HASH);
    memcpy(told->chip[told->n].first_key, hashes[0].p, BM_HASH);
    bm_sha256_pieces(told->chip[told->n].keys, hashes, told->leaf.nkeys);
    told->chip[told->n++].signatures = chip->signatures;
    return BM_OK;
}

static inline enum bm_rc
receive(struct bm_lot_result *ret, struct bm_bytes file, struct bm_certs_list roots, bool injected, struct told *told)
{
    const struct bm_vendor vendor = { .name = "infineon", .format = BM_FORMAT_INFINEON, .roots = roots };
    const struct bm_lot_job job = { .file = file, .vendor = &vendor, .crypto = kit_crypto, .file_name = "a-reel.7z", .injected = injected };
    const struct bm_lot_sink sink = { .chip = tell_chip, .ctx = told };
    struct bm_lot_result ignored;

    if (told != NULL)
        *told = (struct told){ .n = 0 };
    return bm_lot_read(ret != NULL ? ret : &ignored, &job, told != NULL ? &sink : NULL, &kit_fail);
}

static const struct bm_certs_list no_roots __attribute__((unused)) = { NULL, 0 };

static inline enum bm_rc
add_block(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    (void)fail;
    bm_buf_add_bytes(ctx, der);
    return BM_OK;
}

#define CHIPS 3
static struct bm_buf issuer __attribute__((unused));                    /* of them all */
static struct bm_buf pems[CHIPS][BM_OBJECT__N] __attribute__((unused)); /* certificates of three chips, as PEM */

static inline int
pems_open(void **state)
{
    struct maker maker;

    if (kit_crypto_open(state) != 0)
        return -1;
    maker_open_ca(&maker, Y2023, Y2043);
    issuer.max = BM_MAX_CERT;
    bm_buf_add_bytes(&issuer, bm_buf_bytes(&maker.cert));
    for (size_t i = 0; i < CHIPS; i++) {
        for (size_t k = 0; k < BM_OBJECT__N; k++) {
            bm_cleanup(bm_private_done) struct bm_private *key = NULL;
            bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };

            if (bm_private_generate(&key, BM_KEY_P256, &kit_fail) != BM_OK)
                return -1;
            maker_cert(&der, maker.key, "Manifest Signer", bm_private_public(key), "a chip", Y2023, Y2043);
            pems[i][k].max = BM_MAX_PEM_FILE;
            bm_pem_build(&pems[i][k], "CERTIFICATE", bm_buf_bytes(&der));
        }
    }
    maker_close(&maker);
    return 0;
}

static inline int
pems_close(void **state)
{
    for (size_t i = 0; i < CHIPS; i++)
        for (size_t k = 0; k < BM_OBJECT__N; k++)
            bm_buf_done(&pems[i][k]);
    bm_buf_done(&issuer);
    return kit_crypto_close(state);
}

/* One archive of certificates; chip i under the name ids[i] (NULL: left out), and one more file if `extra` is given. */
static inline void
certs_pack(struct bm_buf *packed, enum bm_object object, const char *const ids[CHIPS], const char *extra, struct bm_bytes content)
{
    char name[128];
    struct reels w;

    reels_open(&w, 1 << 20);
    for (size_t i = 0; i < CHIPS; i++) {
        if (ids[i] == NULL)
            continue;
        (void)snprintf(name, sizeof(name), "%s_%s.pem", ids[i], bm_object_word(object));
        reels_add(&w, name, bm_buf_bytes(&pems[i][object]));
    }
    if (extra != NULL)
        reels_add(&w, extra, content);
    reels_close(&w, packed);
}

struct recipe {
    const char *ids[CHIPS];
    const char *missing; /* id whose E0E2 is left out */
    const char *extra;   /* one more file in E0E0's archive */
    struct bm_bytes content;
    const char *extra_outer; /* and in the delivery itself */
    struct bm_bytes content_outer;
    const char *e0e1_name; /* of the archive; NULL: as it should be */
};

static inline void
reel_pack(struct bm_buf *file, const struct recipe *recipe)
{
    char name[128];
    struct reels w;

    reels_open(&w, 1 << 20);
    for (size_t k = 0; k < BM_OBJECT__N; k++) {
        bm_cleanup(bm_buf_done) struct bm_buf packed = { .max = 1 << 20 };
        const char *ids[CHIPS];

        for (size_t i = 0; i < CHIPS; i++)
            ids[i] =
                k == BM_OBJECT_E0E2 && recipe->missing != NULL && recipe->ids[i] != NULL && strcmp(recipe->ids[i], recipe->missing) == 0
                    ? NULL
                    : recipe->ids[i];
        certs_pack(&packed, (enum bm_object)k, ids, k == BM_OBJECT_E0E0 ? recipe->extra : NULL, recipe->content);
        (void)snprintf(name, sizeof(name), "REEL1_guid_%s_Certs.7z", bm_object_word((enum bm_object)k));
        reels_add(&w, k == BM_OBJECT_E0E1 && recipe->e0e1_name != NULL ? recipe->e0e1_name : name, bm_buf_bytes(&packed));
    }
    reels_add(&w, "README.txt", bm_bytes_str(README));
    if (recipe->extra_outer != NULL)
        reels_add(&w, recipe->extra_outer, recipe->content_outer);
    reels_close(&w, file);
}

static inline enum bm_rc
receive_recipe(struct bm_lot_result *ret, const struct recipe *recipe, struct told *told)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };

    reel_pack(&file, recipe);
    return receive(ret, bm_buf_bytes(&file), no_roots, false, told);
}

#endif
