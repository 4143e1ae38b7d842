/* bound.c - what new keys are to be bound to, as it is asked for. */
#include "device/bound.h"

#include "base/file.h"
#include "pki/cert.h"
#include "wire/text.h"

#include <stdio.h>

static enum bm_rc
key_take(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_bound *bound = ctx;

    if (bound->pinned)
        return bm_fail(fail, BM_EINPUT, NULL, "there are two keys: name one update key");
    bound->pinned = true;
    return bm_key_parse(&bound->update_key, der, fail);
}

enum bm_rc
bm_bound_read(struct bm_bound *ret_bound, const char *pcrs, const char *update_key_file, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_PEM_FILE };
    struct bm_bound bound = { .pcrs = 0 };
    enum bm_rc rc;

    if (pcrs != NULL && (rc = bm_pcrs_parse(&bound.pcrs, pcrs, fail)) != BM_OK)
        return rc;
    if (update_key_file != NULL) {
        if ((rc = bm_file_read(&text, update_key_file, fail)) != BM_OK)
            return rc;
        if ((rc = bm_pem_parse(bm_buf_bytes(&text), "PUBLIC KEY", key_take, &bound, fail)) != BM_OK) {
            bm_fail_prefix(fail, "%.200s", update_key_file);
            return rc;
        }
    }
    *ret_bound = bound;
    return BM_OK;
}

enum bm_rc
bm_bound_warn(char *ret_warning, size_t n, struct bm_root *root, uint32_t pcrs, struct bm_fail *fail)
{
    static const uint8_t zeros[BM_HASH];
    uint8_t values[BM_PCRS][BM_HASH];
    enum bm_rc rc = bm_root_boot_values(root, pcrs, values, fail);

    *ret_warning = '\0';
    for (unsigned i = 0; rc == BM_OK && i < BM_PCRS; i++) {
        if (pcrs >> i & 1 && memcmp(values[i], zeros, BM_HASH) == 0) {
            (void)snprintf(ret_warning, n, "PCR %u holds nothing but zeros: this machine measures nothing into it", i);
            break;
        }
    }
    return rc;
}

static bool
same_bound(const struct bm_bound *a, const struct bm_bound *b)
{
    return a->pcrs == b->pcrs && a->pinned == b->pinned && (!a->pinned || memcmp(a->update_key.hash, b->update_key.hash, BM_HASH) == 0);
}

enum bm_rc
bm_bound_check(struct bm_root *root, const struct bm_bound *wanted, const char *service, struct bm_fail *fail)
{
    struct bm_fail none = { .rc = BM_OK };
    struct bm_bound bound;
    bool usable;
    enum bm_rc rc;

    if (wanted->pcrs == 0 || !bm_name_ok(service, BM_MAX_NAME))
        return BM_OK;
    if ((rc = bm_root_bound_tell(root, BM_KEPT_PENDING, service, &bound, &usable, &none)) == BM_EPOLICY)
        rc = bm_root_bound_tell(root, BM_KEPT_LIVE, service, &bound, &usable, &none);
    if (rc == BM_EPOLICY || (rc == BM_OK && same_bound(&bound, wanted)))
        return BM_OK; /* no key yet, or one that is bound so */
    if (rc != BM_OK) {
        *fail = none;
        return rc;
    }
    return bm_fail(fail, BM_EPOLICY, NULL, "service %s has a key that is not bound so: enrol with a new key, or retire it first", service);
}
