/* module.c - the provider as a module of its own: what OPENSSL_CONF loads into a program that knows nothing of us. */
#include "device/provider_inside.h"

#include <openssl/core.h>

__attribute__((visibility("default"))) int
OSSL_provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **ctx)
{
    return bm_provider_entry(core, in, out, ctx);
}
