#include "lot/array.h"
#include "lot/jws.h"
#include "lot/secure_element.h"
#include "lot/walk.h"

#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_SIGNERS 64

/* id-ce-subjectAltName */
static const uint8_t oid_san[] = { 0x55, 0x1d, 0x11 };

/* One reading: on the heap, since a chip alone is 9 KiB. */
struct reading {
    const struct bm_vendor *vendor;
    struct bm_crypto *crypto;
    struct bm_lot_result *result;
    struct bm_walk walk;
    struct bm_frontier frontier;
    struct bm_jws jws;
    struct bm_element element;
    struct bm_buf leaf;
    size_t nsigners;
    struct bm_cert signers[MAX_SIGNERS];
    uint8_t signer_hash[MAX_SIGNERS][BM_HASH];
    size_t signer;                                         /* of the first chip */
    char group[BM_MAX_NAME + 1];                           /* of the first chip */
    uint8_t san[BM_HASH];                                  /* hash of the subjectAltName of the chip before */
    bool told_san, told_group, told_signer, told_spelling; /* once a file, not once a chip */
};

static void
reading_free(struct reading **reading)
{
    struct reading *r = *reading;

    if (r == NULL)
        return;
    bm_walk_done(&r->walk);
    bm_jws_done(&r->jws);
    bm_element_done(&r->element);
    bm_buf_done(&r->leaf);
    free(r);
}

static bool
microchip_probe(struct bm_bytes file)
{
    size_t at = 0;

    for (int i = 0; i < 2; i++) {
        while (at < file.n && (file.p[at] == ' ' || file.p[at] == '\t' || file.p[at] == '\n' || file.p[at] == '\r'))
            at++;
        if (at == file.n || file.p[at++] != (i == 0 ? '[' : '{'))
            return false;
    }
    return true;
}

/* Self-signed and no CAs: pinned one by one, there is no chain to build. */
static enum bm_rc
signers_take(struct reading *r, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (r->vendor->signers.n == 0 || r->vendor->signers.n > MAX_SIGNERS)
        return bm_fail(fail, BM_EINPUT, NULL,
                       "the vendor %s has %zu signer certificates: 1 to %d are needed, add those that Microchip publishes", r->vendor->name,
                       r->vendor->signers.n, MAX_SIGNERS);
    for (; r->nsigners < r->vendor->signers.n; r->nsigners++) {
        struct bm_cert *cert = &r->signers[r->nsigners];

        if ((rc = bm_cert_parse(cert, r->vendor->signers.der[r->nsigners], fail)) != BM_OK) {
            bm_fail_prefix(fail, "signer certificate %zu of the vendor %s", r->nsigners + 1, r->vendor->name);
            return rc;
        }
        if (cert->key.alg != BM_KEY_P256)
            return bm_fail(fail, BM_EINPUT, NULL, "signer certificate %zu of the vendor %s has no P-256 key, so it signs no manifests",
                           r->nsigners + 1, r->vendor->name);
        bm_sha256(r->signer_hash[r->nsigners], cert->der);
    }
    return BM_OK;
}

static enum bm_rc
signer_find(const struct reading *r, size_t *ret, struct bm_fail *fail)
{
    char hex[2 * BM_HASH + 1];

    for (*ret = 0; *ret < r->nsigners; (*ret)++)
        if (memcmp(r->signer_hash[*ret], r->jws.signer, BM_HASH) == 0)
            return BM_OK;
    bm_hex(hex, bm_bytes(r->jws.signer, BM_HASH));
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "it is signed by the certificate %s, which is not pinned for the vendor %s: if it is Microchip's, add it", hex,
                   r->vendor->name);
}

/* Signers expire and what they signed stays genuine: judged at the time that the chip was provisioned, which they signed. */
static enum bm_rc
signer_time_check(const struct bm_cert *signer, bm_time at, struct bm_fail *fail)
{
    char when[BM_TIME_TEXT], name[96];

    if (at >= signer->not_before && at <= signer->not_after)
        return BM_OK;
    bm_time_print(when, at);
    bm_name_print(name, sizeof(name), signer->subject);
    return bm_fail(fail, BM_EPOLICY, NULL, "it was signed for %s by %s, whose certificate was not valid then", when, name);
}

/* From the chip's certificate to the vendor's root, where one is given. */
static enum bm_rc
chains_check(const struct reading *r, struct bm_fail *fail)
{
    const struct bm_element *element = &r->element;
    struct bm_bytes between[BM_COUNT(element->cert)];
    struct bm_certs anchors = { r->vendor->roots.der, r->vendor->roots.n };
    enum bm_rc rc;

    for (size_t i = 0; i < element->ncerts && anchors.n > 0; i++) {
        struct bm_certs chain = { between, 0 };

        if (!element->cert[i].device)
            continue;
        for (size_t k = i + 1; k < element->ncerts && !element->cert[k].device; k++)
            between[chain.n++] = bm_element_cert(element, k);
        if ((rc = bm_path_check(bm_element_cert(element, i), chain, anchors, element->time, fail)) != BM_OK) {
            bm_fail_prefix(fail, "its certificate");
            return rc;
        }
    }
    return BM_OK;
}

/* Is `id` in this name, in upper case as Microchip writes it there ("sn0123F2408EA1FCF201")? */
static bool
name_has_id(struct bm_bytes name, const char *id)
{
    char upper[BM_MAX_ID + 1];
    size_t n = strlen(id);

    for (size_t i = 0; i <= n; i++)
        upper[i] = (char)(id[i] >= 'a' && id[i] <= 'f' ? id[i] - 'a' + 'A' : id[i]);
    return memmem(name.p, name.n, upper, n) != NULL;
}

static void
odd_names(struct reading *r, struct bm_bytes der)
{
    struct bm_fail ignored;
    struct bm_cert cert;
    struct bm_bytes san;
    uint8_t hash[BM_HASH];
    bool critical;

    if (bm_cert_parse(&cert, der, &ignored) != BM_OK)
        return;
    if (!name_has_id(cert.subject, r->element.leaf.id))
        bm_walk_odd(&r->walk, "its certificate is not named after its id %s", r->element.leaf.id);
    san = bm_cert_extension(&cert, bm_bytes(oid_san, sizeof(oid_san)), &critical);
    if (san.n == 0)
        return;
    bm_sha256(hash, san);
    if (r->walk.size > 0 && !r->told_san && memcmp(hash, r->san, BM_HASH) == 0) {
        r->told_san = true;
        bm_walk_odd(&r->walk,
                    "the subjectAltName of its certificate is that of the chip before it: it names no chip, and nothing is bound to it");
    }
    memcpy(r->san, hash, BM_HASH);
}

static void
odd_tell(struct reading *r, size_t signer)
{
    const struct bm_element *element = &r->element;

    for (size_t i = 0; i < element->ncerts; i++)
        if (element->cert[i].device)
            odd_names(r, bm_element_cert(element, i));
    if (!r->told_group && strcmp(element->group, r->group) != 0) {
        r->told_group = true;
        bm_walk_odd(&r->walk, "its groupId is not that of the first chip (%s): two deliveries are in one file", r->group);
    }
    if (!r->told_signer && signer != r->signer) {
        r->told_signer = true;
        bm_walk_odd(&r->walk, "another of Microchip's signers has signed it than the first chip");
    }
    if (!r->told_spelling && element->misspelt) {
        r->told_spelling = true;
        bm_walk_odd(&r->walk, "it says \"distributer\", a spelling of early documentation");
    }
}

static void
first_chip(struct reading *r, size_t signer)
{
    char name[BM_MAX_NAME + 1];

    r->signer = signer;
    (void)snprintf(r->group, sizeof(r->group), "%s", r->element.group);
    bm_name_print(name, sizeof(name), r->signers[signer].subject);
    bm_lot_signer_print(r->result, name, r->signer_hash[signer]);
}

/* The signature first: what Microchip did not sign is not read. */
static enum bm_rc
chip_verify(struct reading *r, struct bm_bytes object, size_t *ret_signer, struct bm_fail *fail)
{
    enum bm_rc rc;

    if ((rc = bm_jws_parse(&r->jws, object, fail)) != BM_OK || (rc = signer_find(r, ret_signer, fail)) != BM_OK ||
        (rc = bm_jws_check(r->crypto, &r->jws, &r->signers[*ret_signer], fail)) != BM_OK)
        return rc;
    if ((rc = bm_element_parse(&r->element, bm_buf_bytes(&r->jws.payload), 1, fail)) != BM_OK)
        return rc;
    bm_sha256(r->element.leaf.hashes[0], bm_buf_bytes(&r->jws.text));
    if (strcmp(r->jws.unique_id, r->element.leaf.id) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the uniqueId in its header is not the one that is signed (%s): the file was changed. Ask for it again",
                       r->element.leaf.id);
    if ((rc = signer_time_check(&r->signers[*ret_signer], r->element.time, fail)) != BM_OK)
        return rc;
    return chains_check(r, fail);
}

static enum bm_rc
chip_take(struct reading *r, struct bm_bytes object, struct bm_fail *fail)
{
    uint8_t hash[BM_HASH];
    size_t signer = 0;
    enum bm_rc rc;

    bm_buf_reset(&r->leaf);
    if ((rc = chip_verify(r, object, &signer, fail)) != BM_OK || (rc = bm_leaf_build(&r->leaf, &r->element.leaf, fail)) != BM_OK) {
        bm_fail_prefix(fail, "chip %llu", (unsigned long long)r->walk.size);
        return rc;
    }
    if (r->walk.size == 0)
        first_chip(r, signer);
    odd_tell(r, signer);
    bm_tree_leaf(hash, bm_buf_bytes(&r->leaf));
    bm_frontier_append(&r->frontier, hash);
    r->result->checked++;
    return bm_walk_chip(&r->walk, &r->element.leaf, bm_buf_bytes(&r->leaf), fail);
}

static enum bm_rc
chips_take(struct reading *r, struct bm_bytes file, struct bm_fail *fail)
{
    struct bm_array array = bm_array(file);
    struct bm_bytes object;
    bool have = false;
    enum bm_rc rc;

    for (;;) {
        if ((rc = bm_array_next(&array, BM_MAX_JSON, &have, &object, fail)) != BM_OK) {
            bm_fail_prefix(fail, "chip %llu", (unsigned long long)r->walk.size);
            return rc;
        }
        if (!have)
            break;
        if ((rc = chip_take(r, object, fail)) != BM_OK)
            return rc;
    }
    return r->walk.size > 0 ? BM_OK : bm_fail(fail, BM_EINPUT, NULL, "the manifest lists no chips");
}

static enum bm_rc
head_make(struct reading *r, const char *name, struct bm_fail *fail)
{
    struct bm_lot_head *head = &r->result->head;

    if (!bm_name_ok(name != NULL ? name : r->group, BM_MAX_NAME))
        return bm_fail(fail, BM_EINPUT, NULL, "the lot needs a name of letters, digits, '.', '_' and '-': give it one");
    (void)snprintf(head->lot, sizeof(head->lot), "%s", name != NULL ? name : r->group);
    (void)snprintf(head->vendor, sizeof(head->vendor), "%s", r->vendor->name);
    head->kind = BM_LEAF_KEYS;
    head->size = r->walk.size;
    bm_frontier_root(&r->frontier, head->root);
    return BM_OK;
}

static enum bm_rc
microchip_read(struct bm_lot_result *ret_result, struct bm_bytes file, const struct bm_vendor *vendor, const char *name,
               struct bm_crypto *crypto, const struct bm_lot_sink *sink, struct bm_fail *fail)
{
    bm_cleanup(reading_free) struct reading *r = calloc(1, sizeof(*r));
    struct bm_lot_result result = { .format = BM_FORMAT_MICROCHIP };
    enum bm_rc rc;

    if (r == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to read the manifest");
    r->vendor = vendor;
    r->crypto = crypto;
    r->result = &result;
    r->walk = (struct bm_walk){ .sink = sink, .kind = BM_LEAF_KEYS };
    r->leaf.max = BM_MAX_LEAF;
    if ((rc = signers_take(r, fail)) != BM_OK || (rc = chips_take(r, file, fail)) != BM_OK || (rc = head_make(r, name, fail)) != BM_OK)
        return rc;
    *ret_result = result;
    return BM_OK;
}

const struct bm_lot_reader bm_microchip_reader = { "microchip", BM_FORMAT_MICROCHIP, microchip_probe, microchip_read };
