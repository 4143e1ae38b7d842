/* crew.h - a lot read by as many confined processes as there are cores: foreign bytes are parsed where nothing can be reached. */
#ifndef BM_CREW_H
#define BM_CREW_H

#include "lot/lot.h"

/*
 * What bm_lot_read() does, by `workers` forked processes (0: one a core). Each gives up every right (proc/confine.h: no files, no sockets, no programs)
 * before it looks at the file, cuts all items and checks its share: items go round in runs of BM_CREW_RUN. They hand chips back (bm_lot_chip_build) over
 * pipes in order; this process joins them and tells the sink. A worker that dies is a refusal that says so ("the reader of the file crashed at about chip
 * N: the file is refused"), never a hang. job->file must be memory that stays (a mapping is fine): the workers inherit it; job->crypto is used by them too.
 */
#define BM_CREW_RUN 64
#define BM_CREW_MOST 64
bm_must_use enum bm_rc bm_crew_read(struct bm_lot_result *ret_result, const struct bm_lot_job *job, const struct bm_lot_sink *sink, unsigned workers,
                                    struct bm_fail *fail);

#endif
