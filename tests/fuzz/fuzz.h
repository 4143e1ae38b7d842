/* fuzz.h - what every fuzz target says: its entry, and that a property holds. */
#ifndef BM_FUZZ_H
#define BM_FUZZ_H

#include "base/bytes.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it must stay whatever NDEBUG says. */
static inline void
must(bool holds)
{
    if (!holds)
        abort();
}

#endif
