/* birthmark-registrar: the working process. docs/architecture.md says what it may and may not. */
#include "base/base.h"
#include "proc/spawn.h"
#include "registrar/run.h"

#include <signal.h>
#include <sys/stat.h>

int
main(int argc, char **argv)
{
    struct bm_registrar_options options;
    struct bm_fail fail = { .rc = BM_OK };
    enum bm_rc rc;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(077);
    if ((rc = bm_registrar_options_parse(&options, argc, argv, &fail)) == BM_OK)
        rc = bm_registrar_run(&options, &bm_env_system, &fail);
    if (rc != BM_OK)
        bm_last_words("birthmark-registrar", &fail);
    return bm_rc_exit(rc);
}
