#include "cli/maker.h"

#include "cli/maker_parts.h"
#include "pki/cert.h"
#include "wire/text.h"

#include <stdlib.h>

static void
list_free(struct bm_bytes *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)list[i].p);
    free(list);
}

void
bm_maker_done(struct bm_maker *maker)
{
    list_free(maker->signers, maker->vendor.signers.n);
    list_free(maker->roots, maker->vendor.roots.n);
    free(maker->keys);
    free(maker->retired);
    *maker = (struct bm_maker){ .keys = NULL };
}

bool
bm_maker_name_ok(struct bm_bytes name)
{
    size_t at = 0, n = 1;

    if (name.n == 0 || name.n > BM_MAX_NAME || name.p[0] == ' ' || name.p[name.n - 1] == ' ')
        return false;
    for (; at < name.n && n > 0; at += n)
        n = bm_utf8_size(name.p + at, name.n - at);
    return n > 0;
}

enum bm_rc
bm_maker_name(struct bm_call *call, const char *name, struct bm_fail *fail)
{
    if (bm_maker_name_ok(bm_bytes_str(name)))
        return BM_OK;
    return bm_usage(call, fail, "a vendor's name is 1 to %d bytes of printable text, without a space at its ends", BM_MAX_NAME);
}

void
bm_maker_key_name(char ret_name[static BM_NOTE_NAME + 1], const char *vendor)
{
    size_t n = strlen(vendor);

    if (n > BM_NOTE_NAME)
        n = BM_NOTE_NAME;
    for (size_t i = 0; i < n; i++)
        ret_name[i] = vendor[i];
    for (size_t i = 0; i < n; i++)
        if (ret_name[i] == ' ' || ret_name[i] == '+')
            ret_name[i] = '-';
    ret_name[n] = 0;
}

/* ---- one thing more ---- */

enum bm_rc
bm_maker_key_add(struct bm_maker *maker, const struct bm_note_key *key, struct bm_fail *fail)
{
    struct bm_note_key *keys;

    for (size_t i = 0; i < maker->vendor.nkeys; i++)
        if (bm_note_key_equal(&maker->keys[i], key))
            return BM_OK;
    if ((keys = reallocarray(maker->keys, maker->vendor.nkeys + 1, sizeof(*keys))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a vendor's keys");
    maker->keys = keys;
    keys[maker->vendor.nkeys++] = *key;
    maker->vendor.keys = keys;
    return BM_OK;
}

static enum bm_rc
der_add(struct bm_bytes **list, struct bm_certs_list *view, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_bytes *more = reallocarray(*list, view->n + 1, sizeof(*more));
    struct bm_cert cert;
    uint8_t *copy;
    enum bm_rc rc;

    if (more == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a vendor's certificates");
    *list = more;
    view->der = more;
    if ((rc = bm_cert_outline(&cert, der, fail)) != BM_OK || (rc = bm_bytes_dup(&copy, der, fail)) != BM_OK)
        return rc;
    more[view->n++] = bm_bytes(copy, der.n);
    return BM_OK;
}

enum bm_rc
bm_maker_signer_add(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_maker *maker = ctx;
    struct bm_cert cert;
    enum bm_rc rc = bm_cert_parse(&cert, der, fail);

    return rc != BM_OK ? rc : der_add(&maker->signers, &maker->vendor.signers, der, fail);
}

enum bm_rc
bm_maker_root_add(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_maker *maker = ctx;

    return der_add(&maker->roots, &maker->vendor.roots, der, fail);
}

enum bm_rc
bm_maker_retire(struct bm_maker *maker, const uint8_t fingerprint[static BM_HASH], struct bm_fail *fail)
{
    uint8_t(*retired)[BM_HASH];

    if (bm_vendor_retired(&maker->vendor, fingerprint))
        return BM_OK;
    if (maker->vendor.nretired == BM_MAKER_SIGNERS ||
        (retired = reallocarray(maker->retired, maker->vendor.nretired + 1, sizeof(*retired))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "a vendor has at most %d retired signers: add it anew", BM_MAKER_SIGNERS);
    memcpy(retired[maker->vendor.nretired++], fingerprint, BM_HASH);
    maker->retired = retired;
    maker->vendor.retired = (const uint8_t(*)[BM_HASH])retired;
    return BM_OK;
}
