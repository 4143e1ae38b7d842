/* fuzz_profile.c - a profile that we take prints as the same text, so that one meaning has one digest. */
#include "fuzz.h"

#include "pki/profile.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_PROFILE };
    struct bm_fail fail = { 0 };
    struct bm_profile profile;

    if (bm_profile_parse(&profile, bm_bytes(data, size), &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    bm_profile_build(&again, &profile);
    must(bm_bytes_equal(bm_buf_bytes(&again), bm_bytes(data, size)));
    must(profile.keys != 0 && profile.evidence != 0 && (profile.hours != 0 || profile.ca == BM_CA_IDEVID));
    return 0;
}
