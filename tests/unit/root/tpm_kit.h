/* tpm_kit.h - one virtual TPM: opened, spoken to by its tools, challenged. */
#ifndef BM_TEST_TPM_KIT_H
#define BM_TEST_TPM_KIT_H

#include "../testing.h"

#include "chips_kit.h"
#include "evidence/tpm.h"
#include "root/root.h"

static inline struct bm_root *
open_tpm(const char *uri)
{
    struct bm_root *root = NULL;

    assert_ok(bm_root_open(&root, uri, &kit_fail));
    return root;
}

/* Runs a tpm2-tools command on it; by number: the tools would look for "localhost", which a bare system does not know. */
static inline int
tool(const char *const *argv)
{
    char tcti[600];

    (void)snprintf(tcti, sizeof(tcti), "swtpm:host=127.0.0.1,%s", strstr(chips.uri[VIRTUAL_TPM2], "port="));
    (void)setenv("TPM2TOOLS_TCTI", tcti, 1);
    return virtual_run(&chips, argv, "tool.txt");
}
#define TOOL(...) tool((const char *const[]){ __VA_ARGS__, NULL })

/* A server's challenge to this endorsement key and the TPM's attestation key; damage: a byte of it is another. */
static inline enum bm_rc
challenge(struct bm_root *root, const struct bm_key *ek, bool damage, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf ak = { .max = 1024 }, credential = { .max = 1024 }, encrypted = { .max = 1024 };
    const struct bm_secret secret = { .b = "what only this TPM can read.....", .n = 32 };
    const uint8_t seed[64] = { 7 };
    struct bm_tpm_public public;
    BM_SECRET(back);
    enum bm_rc rc;

    if ((rc = root->ops->attestation_key(root, &ak, fail)) != BM_OK ||
        (rc = bm_tpm_public_parse(&public, bm_buf_bytes(&ak), fail)) != BM_OK ||
        (rc = bm_tpm_public_check_attestation(&public, fail)) != BM_OK ||
        (rc = bm_tpm_credential_make(&credential, &encrypted, ek, bm_bytes(public.name, public.nname), &secret, seed, fail)) != BM_OK)
        return rc;
    if (damage)
        credential.p[credential.n - 1] ^= 1;
    if ((rc = root->ops->activate(root, ek, bm_buf_bytes(&credential), bm_buf_bytes(&encrypted), &back, fail)) != BM_OK)
        return rc;
    assert_int_equal(back.n, secret.n);
    assert_memory_equal(back.b, secret.b, secret.n);
    return BM_OK;
}

#endif
