#include "many.h"

#include "load.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <stdio.h>

#define POINT 65
#define FIRST 0x6269727468ul /* times G; not from G itself on, whose first multiples are known to everybody and screened */

static const uint8_t spki_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                     0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };

struct many {
    EC_GROUP *group;
    EC_POINT *point;
    BN_CTX *ctx;
    struct bm_leaf leaf;
    struct bm_buf der;
    struct bm_frontier frontier;
    FILE *out;
};

static void
must(bool holds, const char *what)
{
    if (!holds)
        bench_die("%s", what);
}

/* Each key is the one before plus G. */
static void
key_next(struct many *m, struct bm_key *key)
{
    must(EC_POINT_add(m->group, m->point, m->point, EC_GROUP_get0_generator(m->group), m->ctx) == 1 &&
             EC_POINT_point2oct(m->group, m->point, POINT_CONVERSION_UNCOMPRESSED, key->spki + sizeof(spki_head), POINT, m->ctx) == POINT,
         "a point");
    bm_sha256(key->hash, bm_key_spki(key));
}

static void
chip_write(struct many *m, uint64_t i)
{
    uint8_t hash[BM_HASH], n[4];
    struct bm_fail fail;

    for (size_t k = 0; k < m->leaf.nkeys; k++)
        key_next(m, &m->leaf.keys[k].key);
    (void)snprintf(m->leaf.id, sizeof(m->leaf.id), "0123%012llx01", (unsigned long long)i);
    bm_sha256(m->leaf.hashes[0], bm_bytes_str(m->leaf.id));
    bm_buf_reset(&m->der);
    must(bm_leaf_build(&m->der, &m->leaf, &fail) == BM_OK, "a leaf");
    bm_tree_leaf(hash, bm_buf_bytes(&m->der));
    bm_frontier_append(&m->frontier, hash);
    for (unsigned k = 0; k < 4; k++)
        n[k] = (uint8_t)(m->der.n >> (24 - 8 * k));
    must(fwrite(n, 1, 4, m->out) == 4 && fwrite(m->der.p, 1, m->der.n, m->out) == m->der.n, "the disk");
}

static void
note_write(struct many *m, FILE *out, const struct bm_lot_head *as, const struct bm_note_signer *signer)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_NOTE }, note = { .max = BM_MAX_NOTE }, all = { .max = 2 * BM_MAX_NOTE };
    struct bm_lot_head head = *as;
    struct bm_fail fail;

    head.kind = BM_LEAF_KEYS;
    head.size = m->frontier.size;
    bm_frontier_root(&m->frontier, head.root);
    bm_lot_head_build(&text, &head);
    must(bm_head_sign_note((void *)(uintptr_t)signer, bm_buf_bytes(&text), &note, &fail) == BM_OK, "the head");
    bm_buf_add_str(&all, "birthmark-manifest v1\n");
    bm_buf_add_lv32(&all, bm_buf_bytes(&note));
    must(fwrite(all.p, 1, all.n, out) == all.n, "the disk");
}

static void
many_open(struct many *m)
{
    BIGNUM *first = BN_new();

    *m = (struct many){ .group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1), .ctx = BN_CTX_new(), .der = { .max = BM_MAX_LEAF } };
    must(first != NULL && m->group != NULL && m->ctx != NULL && (m->point = EC_POINT_new(m->group)) != NULL, "the curve");
    must(BN_set_word(first, FIRST) == 1 && EC_POINT_mul(m->group, m->point, first, NULL, NULL, m->ctx) == 1, "the first point");
    BN_free(first);
    m->leaf =
        (struct bm_leaf){ .kind = BM_LEAF_KEYS, .root = BM_ROOT_SECURE_ELEMENT, .nkeys = bench_number("BM_BENCH_KEYS", 1), .nhashes = 1 };
    must(m->leaf.nkeys <= BM_MAX_CHIP_KEYS, "keys");
    for (size_t k = 0; k < m->leaf.nkeys; k++) {
        struct bm_leaf_key *one = &m->leaf.keys[k];

        one->use = BM_USE_SIGN;
        one->key = (struct bm_key){ .alg = BM_KEY_P256, .bits = 256, .nspki = sizeof(spki_head) + POINT };
        memcpy(one->key.spki, spki_head, sizeof(spki_head));
    }
    must((m->out = tmpfile()) != NULL, "the disk");
}

void
many_lot(const char *path, const struct bm_lot_head *head, const struct bm_note_signer *signer, uint64_t chips)
{
    char part[8192];
    static struct many m;
    size_t got;
    FILE *out;

    many_open(&m);
    for (uint64_t i = 0; i < chips; i++)
        chip_write(&m, i);
    must((out = fopen(path, "w")) != NULL && fseek(m.out, 0, SEEK_SET) == 0, path);
    note_write(&m, out, head, signer);
    while ((got = fread(part, 1, sizeof(part), m.out)) > 0)
        must(fwrite(part, 1, got, out) == got, "the disk");
    must(fclose(out) == 0 && fclose(m.out) == 0, "the disk");
    EC_POINT_free(m.point);
    EC_GROUP_free(m.group);
    BN_CTX_free(m.ctx);
    bm_buf_done(&m.der);
}
