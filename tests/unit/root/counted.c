#include "counted.h"

#include <tss2/tss2_tctildr.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

TSS2_RC __real_Tss2_TctiLdr_Initialize(const char *name_conf, TSS2_TCTI_CONTEXT **context);
void __real_Tss2_TctiLdr_Finalize(TSS2_TCTI_CONTEXT **context);
TSS2_RC __wrap_Tss2_TctiLdr_Initialize(const char *name_conf, TSS2_TCTI_CONTEXT **context);
void __wrap_Tss2_TctiLdr_Finalize(TSS2_TCTI_CONTEXT **context);

struct between {
    TSS2_TCTI_CONTEXT_COMMON_V2 common;
    TSS2_TCTI_CONTEXT *inner;
};

static struct counted so_far;
static unsigned at_number;
static bool at_on_its_way;
static void (*at_what)(void);

void
counted_at(unsigned number, bool on_its_way, void (*what)(void))
{
    at_number = number;
    at_on_its_way = on_its_way;
    at_what = what;
}

static double
now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static TSS2_TCTI_CONTEXT *
inner_of(TSS2_TCTI_CONTEXT *context)
{
    return ((struct between *)(void *)context)->inner;
}

/* A command: tag u16, size u32, code u32. */
static TSS2_RC
transmit(TSS2_TCTI_CONTEXT *context, size_t n, const uint8_t *command)
{
    const double from = now();
    bool here = false;
    TSS2_RC rc;

    if (n >= 10) {
        unsigned code = (unsigned)command[8] << 8 | command[9];

        so_far.commands++;
        so_far.by_code[code % COUNTED_CODES]++;
        here = at_number != 0 && so_far.commands == at_number;
    }
    if (here && !at_on_its_way)
        at_what();
    rc = Tss2_Tcti_Transmit(inner_of(context), n, command);
    if (here && at_on_its_way)
        at_what();
    so_far.seconds += now() - from;
    return rc;
}

static TSS2_RC
receive(TSS2_TCTI_CONTEXT *context, size_t *n, uint8_t *response, int32_t timeout)
{
    const double from = now();
    TSS2_RC rc = Tss2_Tcti_Receive(inner_of(context), n, response, timeout);

    so_far.seconds += now() - from;
    return rc;
}

static TSS2_RC
cancel(TSS2_TCTI_CONTEXT *context)
{
    return Tss2_Tcti_Cancel(inner_of(context));
}

static TSS2_RC
poll_handles(TSS2_TCTI_CONTEXT *context, TSS2_TCTI_POLL_HANDLE *handles, size_t *n)
{
    return Tss2_Tcti_GetPollHandles(inner_of(context), handles, n);
}

static TSS2_RC
locality(TSS2_TCTI_CONTEXT *context, uint8_t value)
{
    return Tss2_Tcti_SetLocality(inner_of(context), value);
}

TSS2_RC
__wrap_Tss2_TctiLdr_Initialize(const char *name_conf, TSS2_TCTI_CONTEXT **context)
{
    struct between *between = calloc(1, sizeof(*between));
    TSS2_RC rc;

    if (between == NULL)
        return TSS2_TCTI_RC_MEMORY;
    if ((rc = __real_Tss2_TctiLdr_Initialize(name_conf, &between->inner)) != TSS2_RC_SUCCESS) {
        free(between);
        return rc;
    }
    between->common.v1 = (TSS2_TCTI_CONTEXT_COMMON_V1){ .magic = 0x436f756e74ULL,
                                                        .version = 2,
                                                        .transmit = transmit,
                                                        .receive = receive,
                                                        .cancel = cancel,
                                                        .getPollHandles = poll_handles,
                                                        .setLocality = locality };
    *context = (TSS2_TCTI_CONTEXT *)(void *)between;
    return TSS2_RC_SUCCESS;
}

void
__wrap_Tss2_TctiLdr_Finalize(TSS2_TCTI_CONTEXT **context)
{
    struct between *between = (struct between *)(void *)*context;

    if (between == NULL)
        return;
    __real_Tss2_TctiLdr_Finalize(&between->inner);
    free(between);
    *context = NULL;
}

void
counted_reset(void)
{
    so_far = (struct counted){ .commands = 0 };
}

struct counted
counted_now(void)
{
    return so_far;
}

void
counted_print(const struct counted *counted, char *text, size_t n)
{
    static const struct {
        unsigned code;
        const char *name;
    } names[] = {
        { 0x122, "NV_UndefineSpace" },
        { 0x12a, "NV_DefineSpace" },
        { 0x131, "CreatePrimary" },
        { 0x137, "NV_Write" },
        { 0x147, "ActivateCredential" },
        { 0x148, "Certify" },
        { 0x14e, "NV_Read" },
        { 0x151, "PolicySecret" },
        { 0x153, "Create" },
        { 0x157, "Load" },
        { 0x15d, "Sign" },
        { 0x165, "FlushContext" },
        { 0x169, "NV_ReadPublic" },
        { 0x173, "ReadPublic" },
        { 0x176, "StartAuthSession" },
        { 0x17a, "GetCapability" },
    };
    size_t at = 0;

    text[0] = '\0';
    for (unsigned code = 0; code < COUNTED_CODES; code++) {
        const char *name = "another";

        if (counted->by_code[code] == 0)
            continue;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            if (names[i].code == code)
                name = names[i].name;
        if (at < n)
            at += (size_t)snprintf(text + at, n - at, "%s%s %u", at == 0 ? "" : ", ", name, counted->by_code[code]);
    }
}
