#include "lot/jws_cut.h"

#include "base/limits.h"
#include "wire/json_cut.h"

enum {
    PAYLOAD,
    PROTECTED,
    SIGNATURE,
    HEADER,
    N
};

/* req: RFC7515 7.2.2 the flattened form: these and no "signatures" beside them */
static const struct bm_json_shape entry = { .what = "entry",
                                            .member = { [PAYLOAD] = { "payload", BM_JSON_STRING, BM_MAX_JSON, false },
                                                        [PROTECTED] = { "protected", BM_JSON_STRING, BM_MAX_JSON, false },
                                                        [SIGNATURE] = { "signature", BM_JSON_STRING, BM_MAX_JSON, false },
                                                        [HEADER] = { "header", BM_JSON_OBJECT, 0, false } } };
static const struct bm_json_shape header = { .what = "header", .member = { { "uniqueId", BM_JSON_STRING, BM_MAX_ID, false } } };

enum bm_rc
bm_jws_cut(struct bm_jws_parts *ret_parts, struct bm_bytes object, struct bm_fail *fail)
{
    struct bm_bytes views[N], id;
    enum bm_rc rc;

    if ((rc = bm_json_cut(views, &entry, object, NULL, fail)) != BM_OK ||
        (rc = bm_json_cut(&id, &header, views[HEADER], NULL, fail)) != BM_OK)
        return rc;
    *ret_parts = (struct bm_jws_parts){
        .payload = views[PAYLOAD], .protected_text = views[PROTECTED], .signature = views[SIGNATURE], .unique_id = id
    };
    return BM_OK;
}
