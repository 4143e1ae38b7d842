/* ceremony_request.c - a CA's certification request, read and signed (ceremony.h). */
#include "cli/ceremony_parts.h"

#include "cli/places.h"
#include "pki/csr.h"
#include "pki/oid.h"
#include "wire/der.h"

#include <stdio.h>

/* The request's CN as text; what is no short plain text is none. */
static bool
request_name(char ret[static BM_MAX_NAME + 1], struct bm_bytes subject)
{
    char line[300], *from, *to;

    bm_name_print(line, sizeof(line), subject);
    if ((from = strstr(line, "CN=")) == NULL)
        return false;
    from += 3;
    to = strchr(from, ',');
    if (to != NULL)
        *to = 0;
    if (from[0] == 0 || strlen(from) > BM_MAX_NAME || strchr(from, '\\') != NULL)
        return false;
    memcpy(ret, from, strlen(from) + 1);
    return true;
}

/* Signed before: for the same class and the same key. */
static const struct bm_issued *
signed_before(const struct bm_ceremony *c, enum bm_root_class class, const struct bm_key *key)
{
    struct bm_fail unused;
    struct bm_cert cert;

    for (size_t i = 0; c->transcript != NULL && i < c->transcript->nissued; i++)
        if (c->transcript->issued[i].class == class &&
            bm_cert_parse(&cert, bm_buf_bytes(&c->transcript->issued[i].der), &unused) == BM_OK &&
            bm_bytes_equal(bm_key_spki(&cert.key), bm_key_spki(key)))
            return &c->transcript->issued[i];
    return NULL;
}

static enum bm_rc
request_read(const struct bm_ceremony *c, struct bm_buf *der, struct bm_csr *ret_csr, const char *label, struct bm_bytes request,
             struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    if (request.n > 0 && request.p[0] == 0x30)
        bm_buf_add_bytes(der, request);
    else
        rc = bm_pem_parse(request, "CERTIFICATE REQUEST", bm_first_block, der, fail);
    if (rc == BM_OK)
        rc = bm_buf_check(der, "the request", fail);
    if (rc == BM_OK)
        rc = bm_csr_parse(ret_csr, bm_buf_bytes(der), fail);
    if (rc == BM_OK)
        rc = bm_csr_check(c->crypto, ret_csr, fail);
    if (rc != BM_OK)
        bm_fail_prefix(fail, "%s", label);
    return rc;
}

static enum bm_rc
request_note(struct bm_ceremony *c, const char *label, struct bm_bytes request, struct bm_fail *fail)
{
    struct bm_entry_file *file = &c->entry->files[c->entry->nfiles];

    if (c->entry->nfiles == BM_MAX_ENTRY_FILES)
        return bm_fail(fail, BM_EINPUT, NULL, "a ceremony has at most %d files: hold another one", BM_MAX_ENTRY_FILES);
    *file = (struct bm_entry_file){ .out = false };
    bm_sha256(file->hash, request);
    (void)snprintf(file->name, sizeof(file->name), "%s", label);
    c->entry->nfiles++;
    return BM_OK;
}

enum bm_rc
bm_ceremony_sign_request(struct bm_ceremony *c, enum bm_root_class class, const char *common_name, const char *label,
                         struct bm_bytes request, struct bm_buf *der, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf request_der = { .max = BM_MAX_CSR };
    char name[BM_MAX_NAME + 1];
    const struct bm_issued *before;
    struct bm_csr csr;
    enum bm_rc rc;

    if ((rc = request_read(c, &request_der, &csr, label, request, fail)) != BM_OK)
        return rc;
    if ((before = signed_before(c, class, &csr.key)) != NULL) {
        bm_buf_add_bytes(der, bm_buf_bytes(&before->der));
        return bm_buf_check(der, "the certificate", fail);
    }
    if (common_name == NULL && !request_name(name, csr.subject))
        return bm_fail(fail, BM_EINPUT, NULL, "%s names no CA by a CN of 1 to %d characters: say --cn NAME", label, BM_MAX_NAME);
    if ((rc = bm_ceremony_step(c, fail, "A request was read, %.100s, and its signature is its key's.", label)) != BM_OK ||
        (rc = request_note(c, label, request, fail)) != BM_OK)
        return rc;
    return bm_ceremony_sign(c, class, common_name != NULL ? common_name : name, &csr.key, der, fail);
}
