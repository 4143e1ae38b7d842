#include "lot/check.h"

static const struct {
    const char *word;
    enum bm_check_weight weight;
} checks[] = {
    [BM_CHECK_SIGNATURE] = { "signature", BM_WEIGHT_FATAL },
    [BM_CHECK_ENTRY] = { "entry", BM_WEIGHT_FATAL },
    [BM_CHECK_KEY] = { "key", BM_WEIGHT_FATAL },
    [BM_CHECK_CHAIN] = { "chain", BM_WEIGHT_FATAL },
    [BM_CHECK_SIGNER_TIME] = { "signer-time", BM_WEIGHT_FATAL },
    [BM_CHECK_KEY_TWICE] = { "key-twice", BM_WEIGHT_FATAL },
    [BM_CHECK_OTHER_LOT] = { "other-lot", BM_WEIGHT_FATAL },
    [BM_CHECK_BROKEN_DER] = { "broken-der", BM_WEIGHT_WAIVABLE },
    [BM_CHECK_ID_TWICE] = { "id-twice", BM_WEIGHT_WAIVABLE },
    [BM_CHECK_ROCA] = { "roca", BM_WEIGHT_WAIVABLE },
    [BM_CHECK_SHARED_FACTOR] = { "shared-factor", BM_WEIGHT_WAIVABLE },
    [BM_CHECK_TEST_KEY] = { "test-key", BM_WEIGHT_WAIVABLE },
    [BM_CHECK_UNSIGNED] = { "unsigned", BM_WEIGHT_NOTE },
    [BM_CHECK_NO_ROOTS] = { "no-roots", BM_WEIGHT_NOTE },
    [BM_CHECK_SIGNER_EXPIRED] = { "signer-expired", BM_WEIGHT_NOTE },
    [BM_CHECK_LABEL] = { "label", BM_WEIGHT_NOTE },
    [BM_CHECK_DELIVERY] = { "delivery", BM_WEIGHT_NOTE },
    [BM_CHECK_FORM] = { "form", BM_WEIGHT_NOTE },
    [BM_CHECK_INJECTED] = { "injected", BM_WEIGHT_NOTE },
};

const char *
bm_check_word(enum bm_check check)
{
    return (size_t)check < BM_COUNT(checks) && checks[check].word != NULL ? checks[check].word : "unknown";
}

enum bm_check_weight
bm_check_weight(enum bm_check check)
{
    return (size_t)check < BM_COUNT(checks) && checks[check].word != NULL ? checks[check].weight : BM_WEIGHT_FATAL;
}

enum bm_rc
bm_check_find(enum bm_check *ret_check, const char *word, struct bm_fail *fail)
{
    for (unsigned check = BM_CHECK_SIGNATURE; check < BM_CHECK__N; check++) {
        if (strcmp(checks[check].word, word) == 0) {
            *ret_check = (enum bm_check)check;
            return BM_OK;
        }
    }
    return bm_fail(fail, BM_EINPUT, NULL,
                   "there is no check %.40s: those that can be waived are broken-der, id-twice, roca, shared-factor and test-key", word);
}
