#include "lot/check.h"

static const struct {
    const char *word, *purpose;
    enum bm_check_weight weight;
} checks[] = {
    [BM_CHECK_SIGNATURE] = { "signature", "the vendor's signature verifies, by a signer that is pinned and not retired", BM_WEIGHT_FATAL },
    [BM_CHECK_ENTRY] = { "entry", "each entry can be read, and does not contradict itself", BM_WEIGHT_FATAL },
    [BM_CHECK_KEY] = { "key", "each root key is on its curve, or RSA of 2048 bits or more with a sound exponent", BM_WEIGHT_FATAL },
    [BM_CHECK_CHAIN] = { "chain", "each chip's certificate leads to a root of the vendor", BM_WEIGHT_FATAL },
    [BM_CHECK_SIGNER_TIME] = { "signer-time", "the signer's certificate was valid when it signed", BM_WEIGHT_FATAL },
    [BM_CHECK_KEY_TWICE] = { "key-twice", "no root key is in two chips", BM_WEIGHT_FATAL },
    [BM_CHECK_OTHER_LOT] = { "other-lot", "no chip stands in another lot", BM_WEIGHT_FATAL },
    [BM_CHECK_BROKEN_DER] = { "broken-der", "certificates are DER as RFC 5280 has it", BM_WEIGHT_WAIVABLE },
    [BM_CHECK_ID_TWICE] = { "id-twice", "no id stands for two chips", BM_WEIGHT_WAIVABLE },
    [BM_CHECK_ROCA] = { "roca", "no RSA key has the fingerprint of CVE-2017-15361", BM_WEIGHT_WAIVABLE },
    [BM_CHECK_SHARED_FACTOR] = { "shared-factor", "no RSA modulus shares a prime with another", BM_WEIGHT_WAIVABLE },
    [BM_CHECK_TEST_KEY] = { "test-key", "no root key is one that is printed in a standard", BM_WEIGHT_WAIVABLE },
    [BM_CHECK_UNSIGNED] = { "unsigned", "the list as a whole is signed", BM_WEIGHT_NOTE },
    [BM_CHECK_NO_ROOTS] = { "no-roots", "a root is pinned that the chips' certificates can be checked to", BM_WEIGHT_NOTE },
    [BM_CHECK_SIGNER_EXPIRED] = { "signer-expired", "the signer's certificate is valid at receipt too", BM_WEIGHT_NOTE },
    [BM_CHECK_LABEL] = { "label", "names and ids say what they should", BM_WEIGHT_NOTE },
    [BM_CHECK_DELIVERY] = { "delivery", "one delivery and one signer in a file", BM_WEIGHT_NOTE },
    [BM_CHECK_FORM] = { "form", "the file is as its format's documentation has it", BM_WEIGHT_NOTE },
    [BM_CHECK_INJECTED] = { "injected", "root keys were made inside the chip", BM_WEIGHT_NOTE },
};

const char *
bm_check_word(enum bm_check check)
{
    return (size_t)check < BM_COUNT(checks) && checks[check].word != NULL ? checks[check].word : "unknown";
}

const char *
bm_check_purpose(enum bm_check check)
{
    return (size_t)check < BM_COUNT(checks) && checks[check].word != NULL ? checks[check].purpose : "unknown";
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
