/* How much room the disks of store and journal have: work is refused while there is enough left to keep on record all that is under way. */
#include "registrar/registrar.h"

#include <sys/vfs.h>

#define RESERVE (4u << 20)      /* bytes: a thousand requests under way, in journal and store */
#define LAST_RESERVE (1u << 20) /* what takes rights away may use it up to here */

static uint64_t
room_of(const struct bm_registrar *r, const char *name)
{
    struct bm_fail ignored = { .rc = BM_OK };
    char path[BM_PATH];
    struct statfs st;

    if (bm_path_join(path, r->holdings.home, name, &ignored) != BM_OK || statfs(path, &st) != 0)
        return UINT64_MAX; /* nobody can tell: whoever writes will see */
    return (uint64_t)st.f_bavail * (uint64_t)st.f_bsize;
}

void
bm_disk_look(struct bm_registrar *r)
{
    uint64_t store = room_of(r, "store"), journal = room_of(r, "signer");

    r->room = store < journal ? store : journal;
}

bool
bm_disk_full(const struct bm_registrar *r)
{
    return r->room < RESERVE;
}

/* req: FAULTS F7 what cannot be kept on record is not begun; reading goes on */
enum bm_rc
bm_disk_admit(const struct bm_registrar *r, uint16_t type, struct bm_fail *fail)
{
    bool writes = type != BM_S_NONCE && type != BM_S_CHALLENGE && type != BM_S_CHECKPOINT && type != BM_S_OCSP && type != BM_S_LISTS;
    bool restricts =
        type == BM_S_REVOKE || type == BM_S_LOT_STATE || type == BM_S_CHIPS || type == BM_S_DEVICE || type == BM_S_SUPPORT_CLOSE;

    if (!writes || r->room >= (restricts ? LAST_RESERVE : RESERVE))
        return BM_OK;
    return bm_fail(fail, BM_EBUSY, NULL, "the server's disk is nearly full: free some space, then ask again");
}
