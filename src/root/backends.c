/* backends.c - the roots of trust that are built in: meson's option `roots` names them. */
#include "root/backend.h"

const struct bm_root_ops *const bm_root_backends[] = { BM_ROOTS, NULL };
