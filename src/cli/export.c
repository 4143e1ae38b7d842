/* export.c - export: the devices of this site as others register them in bulk. */
#include "cli/export.h"

#include "base/file.h"
#include "cli/lists.h"
#include "cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct exporting {
    const struct bm_export_form *form;
    bool any_profile; /* nobody said which */
    uint64_t n;
    FILE *file;
    char tmp[BM_PATH]; /* its name until it is whole; "" = none */
};

static void
exporting_done(struct exporting *exporting)
{
    if (exporting->file != NULL)
        (void)fclose(exporting->file);
    if (exporting->tmp[0] != 0)
        (void)unlink(exporting->tmp);
}

static enum bm_rc
write_fail(const struct exporting *exporting, struct bm_fail *fail)
{
    return bm_fail(fail, BM_EBUSY, NULL, "%s cannot be written: %s", exporting->tmp, strerror(errno));
}

static enum bm_rc
text_write(const struct exporting *exporting, const struct bm_buf *text, struct bm_fail *fail)
{
    enum bm_rc rc = bm_buf_check(text, "a device's row", fail);

    if (rc != BM_OK || text->n == 0)
        return rc;
    return fwrite(text->p, 1, text->n, exporting->file) == text->n ? BM_OK : write_fail(exporting, fail);
}

static enum bm_rc
row_export(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct exporting *exporting = ctx;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&row, json, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    if (exporting->any_profile && json_integer_value(json_object_get(row, "services")) > 1)
        return bm_fail(fail, BM_EPOLICY, NULL, "device %s has certificates for several services: say of which profile, with --profile",
                       bm_json_text(row, "device"));
    if ((rc = exporting->form->row(&text, row, exporting->n, fail)) != BM_OK)
        return rc;
    exporting->n++;
    return text_write(exporting, &text, fail);
}

static enum bm_rc
begin(struct exporting *exporting, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1024 };
    bm_cleanup(bm_fd_done) int fd = -1;

    if ((size_t)snprintf(exporting->tmp, sizeof(exporting->tmp), "%s.tmp-%d", path, (int)getpid()) >= sizeof(exporting->tmp)) {
        exporting->tmp[0] = 0;
        return bm_fail(fail, BM_EINPUT, NULL, "the name of the file is too long");
    }
    if ((fd = open(exporting->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) == -1 || (exporting->file = fdopen(fd, "w")) == NULL) {
        enum bm_rc rc = write_fail(exporting, fail);

        if (fd == -1)
            exporting->tmp[0] = 0;
        return rc;
    }
    fd = -1; /* the stream's */
    bm_buf_add_str(&text, exporting->form->first);
    return text_write(exporting, &text, fail);
}

static enum bm_rc
end(struct exporting *exporting, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1024 };
    enum bm_rc rc;

    if (exporting->form->end != NULL)
        exporting->form->end(&text, exporting->n);
    if ((rc = text_write(exporting, &text, fail)) != BM_OK)
        return rc;
    if (fflush(exporting->file) != 0 || fsync(fileno(exporting->file)) != 0 || rename(exporting->tmp, path) != 0)
        return write_fail(exporting, fail);
    exporting->tmp[0] = 0;
    return BM_OK;
}

static enum bm_rc
export_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(exporting_done) struct exporting exporting = { .form = bm_export_find(call->words.v[0]),
                                                              .any_profile = bm_call_option(call, "profile") == NULL };
    bm_cleanup(bm_buf_done) struct bm_buf filter = { .max = 4096 };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    const char *path = bm_call_option(call, "o");
    enum bm_rc rc;

    if (exporting.form == NULL)
        return bm_usage(call, fail, "the form is aws, azure or csv");
    if (strcmp(exporting.form->what, "device") == 0)
        exporting.any_profile = false; /* no certificate goes with it */
    if ((rc = bm_filter_build(&filter, call, NULL, NULL, fail)) != BM_OK)
        return rc;
    bm_buf_add_u8(&filter, 0);
    if ((rc = bm_buf_check(&filter, "the filter", fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = begin(&exporting, path, fail)) != BM_OK ||
        (rc = bm_ask_list(&ask, exporting.form->what, (const char *)filter.p, row_export, &exporting, fail)) != BM_OK ||
        (rc = end(&exporting, path, fail)) != BM_OK)
        return rc;
    if (call->json)
        (void)printf("{\"exported\":%llu}\n", (unsigned long long)exporting.n);
    else
        (void)printf("exported: %llu devices\n", (unsigned long long)exporting.n);
    return BM_OK;
}

const struct bm_verb bm_verb_export = {
    .words = "export",
    .arguments = "aws|azure|csv",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Write the devices down as others register them in bulk.",
    .help =
        "aws: parameters of an AWS IoT bulk registration, a thing a line. azure: bodies of the bulk operation of the Azure Device\n"
        "Provisioning Service, ten devices a line. Both have each device's newest confirmed certificate; suspended devices are left out.\n"
        "csv: the records of all devices (RFC 4180). What to do with them: docs/export.md.\n\n"
        "example: birthmark export aws --order first -o things.json\n",
    .options = { { .name = "o", .value = "FILE", .help = "where to", .needed = true }, BM_OPTION_ORDER, BM_OPTION_PROFILE },
    .run = export_run,
};
