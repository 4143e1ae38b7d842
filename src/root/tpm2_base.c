#include "root/tpm2.h"

#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <stdio.h>
#include <stdlib.h>

/* Without a resource manager whoever opens a TPM clears what others left in it, and everybody changes the same NV memory. */
#define OTHERS                                                                                                                      \
    "has no longer what was there a moment ago, for another program uses it too: try again, or let both use the kernel's resource " \
    "manager (tpm2:device:/dev/tpmrm0)"

/* By format-zero code, or format-one code without its parameter number. */
static const struct {
    TSS2_RC code;
    const char *sentence;
} reasons[] = {
    { TPM2_RC_LOCKOUT, "is locked after too many wrong passwords: wait, or reset it with tpm2_dictionarylockout --clear-lockout" },
    { TPM2_RC_NV_SPACE,
      "has no NV memory left: remove identities or indexes that are no longer needed (tpm2_nvundefine); nothing was changed" },
    { TPM2_RC_NV_DEFINED, "was written to by another program at the same time: try again" },
    { TPM2_RC_INTEGRITY, "did not make this key: it is another TPM than the one that was enrolled, or was cleared; enrol it" },
    { TPM2_RC_OBJECT_MEMORY,
      "has no room for another key: use the kernel's resource manager (tpm2:device:/dev/tpmrm0), or flush with tpm2_flushcontext -t" },
    { TPM2_RC_SESSION_MEMORY,
      "has no room for another session: use the kernel's resource manager (tpm2:device:/dev/tpmrm0), or flush with tpm2_flushcontext -l" },
    { TPM2_RC_SESSION_HANDLES,
      "has no room for another session: use the kernel's resource manager (tpm2:device:/dev/tpmrm0), or flush with tpm2_flushcontext -l" },
    { TPM2_RC_BAD_AUTH,
      "wants a password for its owner or endorsement hierarchy: give it in BM_TPM2_OWNER_AUTH or BM_TPM2_ENDORSEMENT_AUTH" },
    { TPM2_RC_AUTH_FAIL,
      "wants a password for its owner or endorsement hierarchy: give it in BM_TPM2_OWNER_AUTH or BM_TPM2_ENDORSEMENT_AUTH" },
    { TPM2_RC_HIERARCHY, "has this hierarchy switched off: enable the TPM in the machine's firmware" },
    { TPM2_RC_INITIALIZE, "was not started up: run tpm2_startup -c, or let the firmware do it" },
    { TPM2_RC_FAILURE, "is in failure mode: power it off and on" },
    { TPM2_RC_RETRY, "is busy: try again" },
    { TPM2_RC_YIELDED, "is busy: try again" },
    { TPM2_RC_TESTING, "is busy: try again" },
    { TPM2_RC_NV_RATE, "limits writes to its NV memory: try again in a minute" },
    { TPM2_RC_NV_UNAVAILABLE, "cannot reach its NV memory: try again" },
    { TPM2_RC_PCR_CHANGED, "had its PCRs extended meanwhile: try again" },
    { TPM2_RC_REFERENCE_H0, OTHERS },
    { TPM2_RC_REFERENCE_S0, OTHERS },
    { TPM2_RC_HANDLE, OTHERS },
    { TPM2_RC_CURVE, "does not know the curve P-256" },
};

static TSS2_RC
code_of(TSS2_RC trc)
{
    TSS2_RC code = trc & 0xffff;

    if (code >= TPM2_RC_REFERENCE_H0 && code <= TPM2_RC_REFERENCE_S6)
        return code < TPM2_RC_REFERENCE_S0 ? TPM2_RC_REFERENCE_H0 : TPM2_RC_REFERENCE_S0; /* by which handle, of seven */
    if (!(code & TPM2_RC_FMT1))
        return code;
    return code & (TPM2_RC_FMT1 | 0x3f); /* Part 2, 6.6.2: bits 6 and 8 to 11 say which parameter */
}

bool
bm_tpm2_lost(TSS2_RC trc)
{
    return (trc & TSS2_RC_LAYER_MASK) == TSS2_TPM_RC_LAYER && (trc & 0xffff) >= TPM2_RC_REFERENCE_H0 &&
           (trc & 0xffff) <= TPM2_RC_REFERENCE_H6;
}

enum bm_rc
bm_tpm2_fail(const struct bm_tpm2 *tpm, TSS2_RC trc, const char *what, struct bm_fail *fail)
{
    TSS2_RC layer = trc & TSS2_RC_LAYER_MASK;

    /* the library is out of step where a reply was lost before, in a call whose failure does not matter */
    if (layer == TSS2_TCTI_RC_LAYER ||
        (layer != 0 && ((trc & 0xffff) == TSS2_BASE_RC_IO_ERROR || (trc & 0xffff) == TSS2_BASE_RC_BAD_SEQUENCE)))
        return bm_fail(fail, BM_EBUSY, NULL, "the TPM at %s does not answer: start it, or correct the root's URI", tpm->where);
    if ((trc & 0xffff) == TSS2_BASE_RC_MEMORY && layer != 0)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    for (size_t i = 0; layer == TSS2_TPM_RC_LAYER && i < BM_COUNT(reasons); i++) {
        if (reasons[i].code == code_of(trc))
            return bm_fail(fail, BM_EBUSY, NULL, "the TPM at %s %s", tpm->where, reasons[i].sentence);
    }
    return bm_fail(fail, BM_EBUSY, NULL, "the TPM at %s cannot %s: %s", tpm->where, what, Tss2_RC_Decode(trc));
}

/* Hierarchy passwords: few machines set them. */
static void
auth_set(struct bm_tpm2 *tpm, ESYS_TR hierarchy, const char *variable)
{
    const char *value = secure_getenv(variable);
    TPM2B_AUTH auth = { 0 };

    if (value == NULL || strlen(value) > sizeof(auth.buffer))
        return;
    auth.size = (uint16_t)strlen(value);
    memcpy(auth.buffer, value, auth.size);
    (void)Esys_TR_SetAuth(tpm->esys, hierarchy, &auth);
    explicit_bzero(&auth, sizeof(auth));
}

/* A simulator has no resource manager and one client at a time: what a killed process left loaded there is nobody's, and three are all that fit. */
static enum bm_rc
leftovers_flush(struct bm_tpm2 *tpm, struct bm_fail *fail)
{
    static const uint32_t kinds[] = { TPM2_TRANSIENT_FIRST, TPM2_LOADED_SESSION_FIRST };

    if (strncmp(tpm->where, "swtpm", 5) != 0 && strncmp(tpm->where, "mssim", 5) != 0)
        return BM_OK;
    for (size_t k = 0; k < BM_COUNT(kinds); k++) {
        uint32_t handles[BM_TPM2_HANDLES];
        size_t n;
        enum bm_rc rc = bm_tpm2_handles(tpm, kinds[k], handles, &n, fail);

        if (rc != BM_OK)
            return rc;
        for (size_t i = 0; i < n; i++) {
            ESYS_TR object;

            if (Esys_TR_FromTPMPublic(tpm->esys, handles[i], ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object) == TSS2_RC_SUCCESS)
                bm_tpm2_flush(tpm, &object);
        }
    }
    return BM_OK;
}

/* ";template=H-2;certificates=0x01c90000" behind the TCTI's name and configuration. */
static enum bm_rc
option_take(struct bm_tpm2 *tpm, const char *option, size_t n, struct bm_fail *fail)
{
    static const char template[] = "template=", certificates[] = "certificates=";
    const size_t nt = sizeof(template) - 1, nc = sizeof(certificates) - 1;
    char *end;

    if (n > nt && strncmp(option, template, nt) == 0) {
        tpm->kind_named = true;
        if (n == nt + 9 && memcmp(option + nt, "birthmark", 9) == 0)
            return BM_OK;
        return bm_tpm2_kind_parse(&tpm->kind, bm_bytes(option + nt, n - nt), fail);
    }
    if (n > nc && strncmp(option, certificates, nc) == 0) {
        tpm->certificates = (uint32_t)strtoul(option + nc, &end, 16);
        if (end == option + n && tpm->certificates >> 24 == 0x01)
            return BM_OK;
        return bm_fail(fail, BM_EINPUT, NULL, "certificates= takes the first of the NV indexes that are searched, as 0x01c90000");
    }
    return bm_fail(fail, BM_EINPUT, NULL, "behind a TPM's place there may be ;template= and ;certificates=, not \"%.*s\"", (int)n, option);
}

/* *ret_conf: the TCTI's part. */
static enum bm_rc
options_take(struct bm_tpm2 *tpm, char ret_conf[static 200], const char *rest, struct bm_fail *fail)
{
    size_t n = strcspn(rest, ";");
    enum bm_rc rc = BM_OK;

    if (n >= 200)
        return bm_fail(fail, BM_EINPUT, NULL, "a TPM's place has at most 199 characters");
    memcpy(ret_conf, rest, n);
    ret_conf[n] = '\0';
    tpm->certificates = 0x01c90000;
    for (rest += n; rc == BM_OK && *rest == ';'; rest += n) {
        n = strcspn(++rest, ";");
        rc = option_take(tpm, rest, n, fail);
    }
    return rc;
}

/* A simulator without a host is this machine's: by number, since "localhost", which the TPM library would take, may be ::1 first or no name at all. */
static void
place_set(struct bm_tpm2 *tpm, const char *conf)
{
    static const char *const simulators[] = { "swtpm:", "mssim:" };

    for (size_t i = 0; i < BM_COUNT(simulators); i++)
        if (strncmp(conf, simulators[i], strlen(simulators[i])) == 0 && strstr(conf, "host=") == NULL && strstr(conf, "path=") == NULL) {
            (void)snprintf(tpm->conf, sizeof(tpm->conf), "%shost=127.0.0.1,%s", simulators[i], conf + strlen(simulators[i]));
            return;
        }
    (void)snprintf(tpm->conf, sizeof(tpm->conf), "%s", conf);
}

enum bm_rc
bm_tpm2_open(struct bm_tpm2 **ret_tpm, const char *rest, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm;
    char conf[200];
    TSS2_RC trc;
    enum bm_rc rc;

    if ((tpm = calloc(1, sizeof(*tpm))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    tpm->root.ops = &bm_root_tpm2;
    tpm->loaded.object = tpm->other.object = tpm->ek = tpm->ak = ESYS_TR_NONE;
    if ((rc = options_take(tpm, conf, rest, fail)) != BM_OK) {
        free(tpm);
        return rc;
    }
    place_set(tpm, conf);
    (void)snprintf(tpm->where, sizeof(tpm->where), "%s", *conf == '\0' ? "the default place" : conf);
    if ((trc = Tss2_TctiLdr_Initialize(tpm->conf[0] == '\0' ? NULL : tpm->conf, &tpm->tcti)) != TSS2_RC_SUCCESS)
        rc = bm_fail(fail, BM_EBUSY, NULL, "the TPM at %s does not answer: start it, or correct the root's URI", tpm->where);
    else if ((trc = Esys_Initialize(&tpm->esys, tpm->tcti, NULL)) != TSS2_RC_SUCCESS)
        rc = bm_tpm2_fail(tpm, trc, "be opened", fail);
    else
        rc = leftovers_flush(tpm, fail);
    if (rc != BM_OK) {
        bm_tpm2_close(tpm);
        return rc;
    }
    auth_set(tpm, ESYS_TR_RH_OWNER, "BM_TPM2_OWNER_AUTH");
    auth_set(tpm, ESYS_TR_RH_ENDORSEMENT, "BM_TPM2_ENDORSEMENT_AUTH");
    *ret_tpm = tpm;
    return BM_OK;
}

void
bm_tpm2_close(struct bm_tpm2 *tpm)
{
    if (tpm->esys != NULL)
        bm_tpm2_room_make(tpm);
    bm_tpm2_seen_free(tpm);
    Esys_Finalize(&tpm->esys);
    Tss2_TctiLdr_Finalize(&tpm->tcti);
    free(tpm);
}

enum bm_rc
bm_tpm2_policy_session(struct bm_tpm2 *tpm, ESYS_TR *ret_session, struct bm_fail *fail)
{
    static const TPMT_SYM_DEF no_cipher = { .algorithm = TPM2_ALG_NULL };
    TSS2_RC trc;

    trc = Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_POLICY,
                                &no_cipher, TPM2_ALG_SHA256, ret_session);
    if (trc == TSS2_RC_SUCCESS)
        return BM_OK;
    *ret_session = ESYS_TR_NONE;
    return bm_tpm2_fail(tpm, trc, "start a session", fail);
}

void
bm_tpm2_flush(struct bm_tpm2 *tpm, ESYS_TR *object)
{
    if (*object != ESYS_TR_NONE)
        (void)Esys_FlushContext(tpm->esys, *object);
    *object = ESYS_TR_NONE;
}

/* The keys that stay loaded from one call to the next: three places are all that a TPM may have. */
void
bm_tpm2_room_make(struct bm_tpm2 *tpm)
{
    bm_tpm2_flush(tpm, &tpm->loaded.object);
    bm_tpm2_flush(tpm, &tpm->other.object);
    bm_tpm2_object_close(tpm, &tpm->ek);
    bm_tpm2_object_close(tpm, &tpm->ak);
}

void
bm_tpm2_object_close(struct bm_tpm2 *tpm, ESYS_TR *object)
{
    TPM2_HANDLE handle = 0;

    if (*object != ESYS_TR_NONE && Esys_TR_GetTpmHandle(tpm->esys, *object, &handle) == TSS2_RC_SUCCESS &&
        handle >> TPM2_HR_SHIFT == TPM2_HT_PERSISTENT)
        (void)Esys_TR_Close(tpm->esys, object);
    else
        bm_tpm2_flush(tpm, object);
    *object = ESYS_TR_NONE;
}

enum bm_rc
bm_tpm2_handles(struct bm_tpm2 *tpm, uint32_t first, uint32_t ret[static BM_TPM2_HANDLES], size_t *ret_n, struct bm_fail *fail)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;
    size_t n = 0;
    TSS2_RC trc =
        Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES, first, BM_TPM2_HANDLES, &more, &data);

    if (trc != TSS2_RC_SUCCESS)
        return bm_tpm2_fail(tpm, trc, "list its handles", fail);
    for (; n < data->data.handles.count && n < BM_TPM2_HANDLES; n++)
        ret[n] = data->data.handles.handle[n];
    Esys_Free(data);
    *ret_n = n;
    return BM_OK;
}

/* TPM2_PT_NV_INDEX_MAX and _NV_BUFFER_MAX, which never change: asked for once, together. */
static enum bm_rc
limits_read(struct bm_tpm2 *tpm, struct bm_fail *fail)
{
    const size_t room = sizeof(((TPM2B_MAX_NV_BUFFER *)NULL)->buffer);
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;
    TSS2_RC trc;

    if (tpm->nv_buffer_max != 0)
        return BM_OK;
    trc = Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_TPM_PROPERTIES, TPM2_PT_NV_INDEX_MAX,
                             TPM2_PT_NV_BUFFER_MAX - TPM2_PT_NV_INDEX_MAX + 1, &more, &data);
    if (trc != TSS2_RC_SUCCESS)
        return bm_tpm2_fail(tpm, trc, "tell its properties", fail);
    for (size_t i = 0; i < data->data.tpmProperties.count; i++) {
        const TPMS_TAGGED_PROPERTY *said = &data->data.tpmProperties.tpmProperty[i];

        if (said->property == TPM2_PT_NV_INDEX_MAX)
            tpm->nv_index_max = said->value;
        if (said->property == TPM2_PT_NV_BUFFER_MAX)
            tpm->nv_buffer_max = said->value < room ? said->value : (uint32_t)room;
    }
    Esys_Free(data);
    if (tpm->nv_buffer_max != 0 && tpm->nv_index_max != 0)
        return BM_OK;
    tpm->nv_buffer_max = 0;
    return bm_fail(fail, BM_EBUSY, NULL, "the TPM at %s does not tell how much its NV indexes hold", tpm->where);
}

enum bm_rc
bm_tpm2_nv_limits(struct bm_tpm2 *tpm, uint32_t *ret_index, uint32_t *ret_buffer, struct bm_fail *fail)
{
    enum bm_rc rc = limits_read(tpm, fail);

    *ret_index = tpm->nv_index_max;
    *ret_buffer = tpm->nv_buffer_max;
    return rc;
}

enum bm_rc
bm_tpm2_nv_open(struct bm_tpm2 *tpm, uint32_t index, ESYS_TR *ret_nv, TPMS_NV_PUBLIC *ret_public, struct bm_fail *fail)
{
    TPM2B_NV_PUBLIC *public = NULL;
    TSS2_RC trc = Esys_TR_FromTPMPublic(tpm->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ret_nv);

    if (trc != TSS2_RC_SUCCESS)
        return bm_tpm2_fail(tpm, trc, "find an NV index", fail);
    if ((trc = Esys_NV_ReadPublic(tpm->esys, *ret_nv, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL)) != TSS2_RC_SUCCESS) {
        (void)Esys_TR_Close(tpm->esys, ret_nv);
        return bm_tpm2_fail(tpm, trc, "describe an NV index", fail);
    }
    *ret_public = public->nvPublic;
    Esys_Free(public);
    return BM_OK;
}

enum bm_rc
bm_tpm2_nv_take(struct bm_tpm2 *tpm, ESYS_TR nv, const TPMS_NV_PUBLIC *public, struct bm_buf *value, struct bm_fail *fail)
{
    /* EK certificates are read with the owner's word or the index's own, as their attributes allow */
    const ESYS_TR reader = public->attributes & TPMA_NV_AUTHREAD ? nv : ESYS_TR_RH_OWNER;
    const uint32_t size = public->dataSize;
    enum bm_rc rc = limits_read(tpm, fail);

    for (uint32_t at = 0; rc == BM_OK && at < size; at += tpm->nv_buffer_max) {
        TPM2B_MAX_NV_BUFFER *data = NULL;
        uint16_t want = (uint16_t)(size - at < tpm->nv_buffer_max ? size - at : tpm->nv_buffer_max);
        TSS2_RC trc = Esys_NV_Read(tpm->esys, reader, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, want, (uint16_t)at, &data);

        if (trc != TSS2_RC_SUCCESS)
            return bm_tpm2_fail(tpm, trc, "read its NV memory", fail);
        bm_buf_add(value, data->buffer, data->size);
        Esys_Free(data);
    }
    return rc != BM_OK ? rc : bm_buf_check(value, "an NV index of the TPM", fail);
}

enum bm_rc
bm_tpm2_nv_read(struct bm_tpm2 *tpm, uint32_t index, struct bm_buf *value, struct bm_fail *fail)
{
    TPMS_NV_PUBLIC public;
    ESYS_TR nv;
    enum bm_rc rc;

    if ((rc = bm_tpm2_nv_open(tpm, index, &nv, &public, fail)) != BM_OK)
        return rc;
    if (public.attributes & TPMA_NV_WRITTEN && public.attributes & (TPMA_NV_AUTHREAD | TPMA_NV_OWNERREAD) &&
        !(public.attributes & TPMA_NV_READLOCKED))
        rc = bm_tpm2_nv_take(tpm, nv, &public, value, fail);
    (void)Esys_TR_Close(tpm->esys, &nv);
    return rc;
}
