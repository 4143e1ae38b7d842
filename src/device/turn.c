#include "device/turn.h"

#include "device/root_uri.h"
#include "digest/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PAUSE 20 /* ms */

enum bm_rc
bm_turn_take(int *ret_turn, const char *root_uri, int wait, struct bm_fail *fail)
{
    const struct timespec pause = { .tv_nsec = PAUSE * 1000000L };
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "\0birthmark/turn/" }; /* a first byte of 0: abstract */
    char uri[BM_MAX_ROOT_URI + 1];
    int turn;

    if (bm_root_uri_absolute(uri, root_uri, fail) != BM_OK) /* no such file: the root itself says what to do */
        (void)snprintf(uri, sizeof(uri), "%s", root_uri);
    /* what follows a token's or TPM's name is not the place where it keeps things; this machine's TPM is one, by whatever device's name */
    bm_sha256((uint8_t *)address.sun_path + sizeof(address.sun_path) - BM_HASH,
              bm_bytes(uri, strncmp(uri, "tpm2:device", 11) == 0 ? strlen("tpm2:") : strcspn(uri, ";?")));
    turn = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    while (bind(turn, (const struct sockaddr *)&address, sizeof(address)) == -1) {
        const bool taken = errno == EADDRINUSE;

        if (!taken || (wait -= PAUSE) < 0) {
            bm_turn_done(&turn);
            return bm_fail(fail, BM_EBUSY, NULL, "%s",
                           taken ? "another program is at work on what this root of trust keeps: try again when it has ended"
                                 : "programs take turns by Unix sockets: allow this one AF_UNIX");
        }
        (void)nanosleep(&pause, NULL);
    }
    *ret_turn = turn;
    return BM_OK;
}

void
bm_turn_done(int *turn)
{
    if (*turn >= 0)
        (void)close(*turn);
    *turn = -1;
}
