/* activation.c - a version of a profile, from now on the one that orders are opened with. */
#include "record/parts.h"

#include "wire/text.h"

#define MOST_VERSIONS 99999 /* docs/formats/profile.md */

enum bm_rc
bm_activation_parse(struct bm_statement_head *ret_head, struct bm_activation *ret_activation, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_statement_head head = { .seq = 0 };
    struct bm_lines lines = bm_statement_open(&head, BM_STATEMENT_PROFILE, text, fail);
    struct bm_activation activation = { .version = 0 };
    struct bm_bytes value = bm_lines_want(&lines, "profile");
    enum bm_rc rc;

    if (!lines.bad && !bm_word_name_hash(activation.profile.name, activation.profile.digest, value))
        bm_statement_refuse(&lines, "must hold a profile's name and the SHA-256 of its text in lower-case hexadecimal");
    activation.version = bm_lines_u64(&lines, "version", 1, MOST_VERSIONS);
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    *ret_head = head;
    *ret_activation = activation;
    return BM_OK;
}

void
bm_activation_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_activation *activation)
{
    char digest[2 * BM_HASH + 1];

    bm_hex(digest, bm_bytes(activation->profile.digest, BM_HASH));
    bm_statement_head_build(buf, BM_STATEMENT_PROFILE, head);
    bm_buf_add_fmt(buf, "profile %s %s\n", activation->profile.name, digest);
    bm_buf_add_fmt(buf, "version %llu\n", (unsigned long long)activation->version);
}
