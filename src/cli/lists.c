#include "cli/lists.h"

static const char *const filters[] = { "state", "lot",    "order",  "profile", "serial", "model", "hardware", "firmware",
                                       "owner", "region", "vendor", "station", "root",   "chip",  "support" };

enum bm_rc
bm_filter_build(struct bm_buf *buf, const struct bm_call *call, const char *name, const char *value, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *filter = json_object();
    bool bad = filter == NULL;

    for (size_t i = 0; i < BM_COUNT(filters); i++) {
        const char *given = bm_call_option(call, filters[i]);

        if (given != NULL)
            bad |= json_object_set_new(filter, filters[i], json_string(given)) != 0;
    }
    if (value != NULL)
        bad |= json_object_set_new(filter, name, json_string(value)) != 0;
    return bad ? bm_json_check(NULL, fail) : bm_json_print(buf, filter, fail);
}

enum bm_rc
bm_list_ask(struct bm_ask *ask, const struct bm_list_what *what, struct bm_fail *fail)
{
    bm_cleanup(bm_list_done) struct bm_list list = {
        .json = ask->call->json, .columns = what->columns, .ncolumns = what->ncolumns, .nothing = what->nothing
    };
    bm_cleanup(bm_buf_done) struct bm_buf filter = { .max = 4096 };
    enum bm_rc rc;

    if ((rc = bm_filter_build(&filter, ask->call, what->name, what->value, fail)) != BM_OK)
        return rc;
    bm_buf_add_u8(&filter, 0);
    if ((rc = bm_buf_check(&filter, "the filter", fail)) != BM_OK ||
        (rc = bm_ask_list(ask, what->what, (const char *)filter.p, bm_list_row, &list, fail)) != BM_OK)
        return rc;
    return bm_list_end(&list, fail);
}

enum bm_rc
bm_list_run(struct bm_call *call, const struct bm_list_what *what, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    enum bm_rc rc = bm_ask_open(&ask, call, fail);

    return rc != BM_OK ? rc : bm_list_ask(&ask, what, fail);
}

enum bm_rc
bm_show_run(struct bm_call *call, const char *what, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    enum bm_rc rc = bm_ask_open(&ask, call, fail);

    return rc != BM_OK ? rc : bm_ask_show(&ask, what, call->words.v[0], bm_object_row, call, fail);
}
