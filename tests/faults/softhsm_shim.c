/* softhsm_shim.c - a PKCS#11 module that is SoftHSM until a file says otherwise: the n-th call of a function fails, is slow, gives a wrong signature, hangs or crashes. */
#include "base/base.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/*
 * The file is TOKEN-DIRECTORY/fault, which a confined keeper may read. One line:
 *
 *   FUNCTION FIRST COUNT ACTION ARGUMENT
 *
 * From the FIRST call on (of this process), COUNT times (0: for ever; else the file is removed with the last, so that the next process has none):
 *   fail RV       returns RV (0x... as PKCS#11 has it)
 *   slow MS       takes so many milliseconds longer
 *   flip 0        changes a bit of what C_Sign gives
 *   hang 0        never returns
 *   crash 0       kills the process
 * The name has "softhsm" in it, so that the keeper finds the token's directory (token_pkcs11.c). What is called besides is counted in the file `calls`.
 */
#define MODULE "/usr/lib/softhsm/libsofthsm2.so"

static CK_FUNCTION_LIST *real, ours;

struct fault {
    char function[32], action[16];
    unsigned long first, count, argument;
};

static const char *
dir(void)
{
    static char path[512];
    char line[512];
    FILE *conf;

    if (path[0] != 0)
        return path;
    conf = fopen(getenv("SOFTHSM2_CONF"), "re");
    while (conf != NULL && fgets(line, sizeof(line), conf) != NULL)
        (void)sscanf(line, "directories.tokendir = %511s", path);
    if (conf != NULL)
        (void)fclose(conf);
    return path;
}

static void
count_call(const char *function)
{
    char path[600];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/calls", dir());
    if ((file = fopen(path, "ae")) == NULL)
        return;
    (void)fprintf(file, "%s\n", function);
    (void)fclose(file);
}

static void
millis(unsigned long ms)
{
    struct timespec t = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };

    (void)nanosleep(&t, NULL);
}

/* What is wrong with this call; "" for nothing. */
static struct fault
fault_now(const char *function, unsigned long *calls)
{
    struct fault fault = { .action = "" }, none = { .action = "" };
    char path[600];
    FILE *file;
    int n;

    (void)snprintf(path, sizeof(path), "%s/fault", dir());
    if ((file = fopen(path, "re")) == NULL)
        return none;
    n = fscanf(file, "%31s %lu %lu %15s %li", fault.function, &fault.first, &fault.count, fault.action, (long *)&fault.argument);
    (void)fclose(file);
    if (n != 5 || strcmp(fault.function, function) != 0)
        return none;
    if (++*calls < fault.first)
        return none;
    if (fault.count > 0 && *calls + 1 >= fault.first + fault.count)
        (void)unlink(path);
    return fault;
}

/* True: the call ends with *ret_rv. */
static bool
faulty(const char *function, unsigned long *calls, bool *ret_flip, CK_RV *ret_rv)
{
    struct fault fault = fault_now(function, calls);

    *ret_flip = strcmp(fault.action, "flip") == 0;
    *ret_rv = fault.argument;
    if (strcmp(fault.action, "slow") == 0)
        millis(fault.argument);
    if (strcmp(fault.action, "hang") == 0)
        for (;;)
            millis(1000);
    if (strcmp(fault.action, "crash") == 0)
        abort();
    return strcmp(fault.action, "fail") == 0;
}

#define SHIM(name, parameters, arguments)           \
    static CK_RV shim_##name parameters             \
    {                                               \
        static unsigned long calls;                 \
        bool flip;                                  \
        CK_RV rv;                                   \
                                                    \
        if (faulty("C_" #name, &calls, &flip, &rv)) \
            return rv;                              \
        return real->C_##name arguments;            \
    }

SHIM(Initialize, (void *args), (args))
SHIM(GetSlotList, (CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *n), (present, list, n))
SHIM(GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), (slot, info))
SHIM(OpenSession, (CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify, CK_SESSION_HANDLE *session),
     (slot, flags, app, notify, session))
SHIM(FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n), (session, template, n))
SHIM(FindObjects, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *found, CK_ULONG max, CK_ULONG *n), (session, found, max, n))
SHIM(SignInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key), (session, mechanism, key))

static CK_RV
shim_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG n)
{
    static unsigned long calls;
    bool flip;
    CK_RV rv;

    count_call("C_Login");
    return faulty("C_Login", &calls, &flip, &rv) ? rv : real->C_Login(session, user, pin, n);
}

static CK_RV
shim_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG n, CK_BYTE *signature, CK_ULONG *nsignature)
{
    static unsigned long calls;
    bool flip;
    CK_RV rv;

    count_call("C_Sign");
    if (faulty("C_Sign", &calls, &flip, &rv))
        return rv;
    rv = real->C_Sign(session, data, n, signature, nsignature);
    if (rv == CKR_OK && flip)
        signature[0] ^= 1;
    return rv;
}

__attribute__((visibility("default"))) CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    CK_RV (*get)(CK_FUNCTION_LIST **);
    void *module = dlopen(MODULE, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE), *symbol;

    if (module == NULL || (symbol = dlsym(module, "C_GetFunctionList")) == NULL)
        return CKR_GENERAL_ERROR;
    memcpy(&get, &symbol, sizeof(get));
    if (get(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    (void)dir(); /* while its file can be opened */
    ours = *real;
    ours.C_Initialize = shim_Initialize;
    ours.C_GetSlotList = shim_GetSlotList;
    ours.C_GetTokenInfo = shim_GetTokenInfo;
    ours.C_OpenSession = shim_OpenSession;
    ours.C_Login = shim_Login;
    ours.C_FindObjectsInit = shim_FindObjectsInit;
    ours.C_FindObjects = shim_FindObjects;
    ours.C_SignInit = shim_SignInit;
    ours.C_Sign = shim_Sign;
    *list = &ours;
    return CKR_OK;
}
