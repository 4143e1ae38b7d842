/* export.h - the forms in which others take lists of devices. Documented in docs/export.md. */
#ifndef BM_CLI_EXPORT_H
#define BM_CLI_EXPORT_H

#include "wire/json.h"

struct bm_export_form {
    const char *name;
    const char *what;  /* the registrar's list that it is made of */
    const char *first; /* what the file begins with */
    /* Appends what becomes of one row; `n`: how many went before. BM_EPOLICY with why it cannot be taken there. */
    bm_must_use enum bm_rc (*row)(struct bm_buf *buf, const json_t *row, uint64_t n, struct bm_fail *fail);
    void (*end)(struct bm_buf *buf, uint64_t n); /* NULL: nothing */
};
const struct bm_export_form *bm_export_find(const char *name); /* NULL: there is none */

#endif
