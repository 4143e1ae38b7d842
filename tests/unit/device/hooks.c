#include "hooks.h"

#include "cut.h"
#include "p11/p11.h"
#include "root/tpm2.h"

#include <time.h>

int64_t hooks_clock;

int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);

int
__wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
    int rc = __real_clock_gettime(id, ret);

    if (rc == 0 && id == CLOCK_REALTIME && hooks_clock != 0)
        ret->tv_sec = hooks_clock;
    return rc;
}

/* ---- a token: as pkcs11.c has it ---- */

struct inside {
    struct bm_root root;
    struct bm_p11 token;
};
static CK_FUNCTION_LIST whole, cutting;

static CK_RV
cut_create(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n, CK_OBJECT_HANDLE *ret)
{
    cut_count();
    return whole.C_CreateObject(session, template, n, ret);
}

static CK_RV
cut_destroy(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    cut_count();
    return whole.C_DestroyObject(session, object);
}

static CK_RV
cut_set(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG n)
{
    cut_count();
    return whole.C_SetAttributeValue(session, object, template, n);
}

static CK_RV
cut_pair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public, CK_ULONG npublic, CK_ATTRIBUTE *private,
         CK_ULONG nprivate, CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private)
{
    cut_count();
    return whole.C_GenerateKeyPair(session, mechanism, public, npublic, private, nprivate, ret_public, ret_private);
}

static CK_RV
cut_sign(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    cut_count();
    return whole.C_SignInit(session, mechanism, key);
}

/* ---- a TPM ---- */

static TSS2_TCTI_TRANSMIT_FCN passed_on;

static TSS2_RC
cut_transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, const uint8_t *command)
{
    /* what only reads changes nothing: a cut there is one at the next change */
    static const uint16_t reads[] = { 0x014e, 0x0169, 0x0173, 0x017a,
                                      0x017e }; /* NV_Read, NV_ReadPublic, ReadPublic, GetCapability, PCR_Read */
    const unsigned code = size < 10 ? 0 : (unsigned)command[8] << 8 | command[9];
    bool changes = true;

    for (size_t i = 0; i < BM_COUNT(reads); i++)
        changes &= reads[i] != code;
    if (changes)
        cut_count();
    return passed_on(tcti, size, command);
}

void
hooks_put(struct bm_root *root, const char *uri)
{
    if (strncmp(uri, "pkcs11:", 7) == 0) {
        struct inside *inside = (struct inside *)root;

        whole = cutting = *inside->token.fn;
        cutting.C_CreateObject = cut_create;
        cutting.C_DestroyObject = cut_destroy;
        cutting.C_SetAttributeValue = cut_set;
        cutting.C_GenerateKeyPair = cut_pair;
        cutting.C_SignInit = cut_sign;
        inside->token.fn = &cutting;
    } else if (strncmp(uri, "tpm2:", 5) == 0) {
        TSS2_TCTI_CONTEXT_COMMON_V1 *tcti = (TSS2_TCTI_CONTEXT_COMMON_V1 *)((struct bm_tpm2 *)root)->tcti;

        passed_on = tcti->transmit;
        tcti->transmit = cut_transmit;
    }
}
