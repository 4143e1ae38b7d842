/* three_tries.c - a PKCS#11 module: SoftHSM, with a token that a third wrong PIN in a row locks, as real ones do. BM_TRIES names the file that counts. */
#include "base/base.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>

static CK_FUNCTION_LIST whole, mine;

static int
tries(void)
{
    FILE *file = fopen(getenv("BM_TRIES"), "r");
    int n = file == NULL ? '3' : fgetc(file);

    if (file != NULL)
        (void)fclose(file);
    return n - '0';
}

static void
tries_set(int n)
{
    FILE *file = fopen(getenv("BM_TRIES"), "w");

    if (file != NULL) {
        (void)fputc('0' + n, file);
        (void)fclose(file);
    }
}

static CK_RV
token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *ret)
{
    static const CK_FLAGS says[] = { CKF_USER_PIN_LOCKED, CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_COUNT_LOW, 0 };
    CK_RV rv = whole.C_GetTokenInfo(slot, ret);

    ret->flags |= says[tries()];
    return rv;
}

static CK_RV
login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG n)
{
    CK_RV rv = tries() == 0 ? CKR_PIN_LOCKED : whole.C_Login(session, user, pin, n);

    if (rv == CKR_PIN_INCORRECT)
        tries_set(tries() - 1);
    if (rv == CKR_OK)
        tries_set(3);
    return rv;
}

__attribute__((visibility("default"))) CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
    void *module = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW);
    CK_C_GetFunctionList get;
    CK_FUNCTION_LIST *list = NULL;

    if (module == NULL)
        return CKR_GENERAL_ERROR;
    *(void **)&get = dlsym(module, "C_GetFunctionList");
    if (get == NULL || get(&list) != CKR_OK)
        return CKR_GENERAL_ERROR;
    whole = mine = *list;
    mine.C_GetTokenInfo = token_info;
    mine.C_Login = login;
    *ret = &mine;
    return CKR_OK;
}
