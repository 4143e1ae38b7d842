/* fuzz_ocsp.c - a question that we take is about as many certificates as libcrypto reads in it, with the same serial numbers; its answer is one that libcrypto reads. */
#include "fuzz.h"

#include "pki/ocsp.h"

#include <openssl/ocsp.h>

static void
same_ids(const struct bm_ocsp_question *ours, OCSP_REQUEST *theirs)
{
    must(OCSP_request_onereq_count(theirs) == (int)ours->n);
    for (int i = 0; i < (int)ours->n; i++) {
        OCSP_CERTID *id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(theirs, i));
        ASN1_INTEGER *number = NULL;
        ASN1_OCTET_STRING *name = NULL, *key = NULL;

        must(OCSP_id_get0_info(&name, NULL, &key, &number, id) == 1);
        must(bm_bytes_equal(ours->id[i].serial, bm_bytes(ASN1_STRING_get0_data(number), (size_t)ASN1_STRING_length(number))));
        must(bm_bytes_equal(ours->id[i].key_hash, bm_bytes(ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key))));
    }
}

static void
answered(const struct bm_ocsp_question *question)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_OCSP_ANSWER };
    static const struct bm_key key = { .nbits = 0 };
    struct bm_ocsp_answer answers[BM_OCSP_MOST];
    struct bm_fail fail = { 0 };

    for (size_t i = 0; i < question->n; i++)
        answers[i] = (struct bm_ocsp_answer){ .id = question->id[i].der, .status = (enum bm_ocsp_status)(i % 3), .next_update = 1 };
    must(bm_ocsp_tbs_build(&tbs, &key, 0, answers, question->n, question->nonce, &fail) == BM_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bm_ocsp_question question;
    struct bm_fail fail = { 0 };
    const uint8_t *p = data;
    OCSP_REQUEST *theirs;

    if (bm_ocsp_parse(&question, bm_bytes(data, size), &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    must(question.n >= 1 && question.n <= BM_OCSP_MOST);
    /* libcrypto looks into names and signatures, which we pass over: it may refuse one */
    if ((theirs = d2i_OCSP_REQUEST(NULL, &p, (long)size)) != NULL)
        same_ids(&question, theirs);
    OCSP_REQUEST_free(theirs);
    answered(&question);
    return 0;
}
