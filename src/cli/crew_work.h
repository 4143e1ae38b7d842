/* crew_work.h - one worker of a crew: confined, it reads its share of a lot and writes it to a pipe. */
#ifndef BM_CREW_WORK_H
#define BM_CREW_WORK_H

#include "lot/lot.h"

/*
 * On the pipe: u8 type, u32 length, body.
 *   CHIP  u64 at (bytes of the file gone through), a chip (bm_lot_chip_build)
 *   END   u8 format, u8 signed whole, u8 signed each, u64 signatures, lv16 head (bm_lot_head_build) or empty, u64 offset and u64 length of the head's note in
 *         the file, lv16 signer: what the reader's end() knows
 *   FAIL  u8 enum bm_rc, lv16 sentence: the file is refused
 */
enum bm_crew_frame {
    BM_CREW_CHIP = 1,
    BM_CREW_END,
    BM_CREW_FAIL
};
#define BM_CREW_MAX (BM_MAX_LEAF + 8192) /* bytes of a frame */

/* In the forked process: never returns. The pipe is the only descriptor that is left. */
struct bm_crew_bounds;
_Noreturn void bm_crew_work(const struct bm_lot_job *job, const struct bm_crew_bounds *bounds, unsigned me, unsigned workers, int pipe);

#endif
