/* crew.h - a lot read by as many confined processes as there are cores: foreign bytes are parsed where nothing can be reached. */
#ifndef BM_CREW_H
#define BM_CREW_H

#include "lot/lot.h"

/* What one worker may take: then the file is refused. Generous by an order of magnitude over what the slowest of our formats needs. */
struct bm_crew_bounds {
    unsigned cpu;  /* seconds */
    size_t memory; /* bytes beyond what it begins with */
};
struct bm_crew_bounds bm_crew_bounds(uint64_t file_size);

#define BM_CREW_RUN 64
#define BM_CREW_MOST 16
#define BM_CREW_SMALL (1u << 20) /* bytes of a file that one worker reads alone */
/*
 * What bm_lot_read() does, by `workers` forked processes (0: one a core; one for a small file and for our own manifest). Each gives up every right (proc/confine.h: no files, no
 * sockets, no programs, none of our descriptors) before it looks at the file, cuts all items and checks its share: items go round in runs of BM_CREW_RUN.
 * Chips come back over pipes (bm_lot_chip_build) in order; this process parses them strictly, joins them and tells the sink. A worker that dies is a refusal
 * that says so, never a hang. job->file must be memory that stays: the workers inherit it, and job->crypto too.
 */
bm_must_use enum bm_rc bm_crew_read(struct bm_lot_result *ret_result, const struct bm_lot_job *job, const struct bm_lot_sink *sink,
                                    unsigned workers, struct bm_fail *fail);
bm_must_use enum bm_rc bm_crew_read_within(struct bm_lot_result *ret_result, const struct bm_lot_job *job, const struct bm_lot_sink *sink,
                                           unsigned workers, const struct bm_crew_bounds *bounds, struct bm_fail *fail);

#endif
