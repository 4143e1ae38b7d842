/* tpm.h - a real virtual TPM for a test: swtpm in the test's directory, spoken to by tpm2-tools. */
#ifndef BM_TEST_EVIDENCE_TPM_H
#define BM_TEST_EVIDENCE_TPM_H

#include "kit.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static inline bool
kit_port_free(unsigned port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, rc;

    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    rc = bind(fd, (const struct sockaddr *)(const void *)&at, sizeof(at));
    (void)close(fd);
    return rc == 0;
}

/* Starts one with its state in kit_dir and points tpm2-tools at it. */
static inline void
kit_tpm_start(void)
{
    char tcti[64];

    if (kit_try("command -v swtpm && command -v tpm2_createek && command -v tpm2_send") != 0)
        fail_msg("swtpm or tpm2-tools are not installed: tools/deps run");
    /* TCTI swtpm wants the control channel on the port after the first. Below 32768, where the kernel takes its own from; another test may be as
     * quick as we are, or a thousand connections lie side by side: try elsewhere then, far away. */
    for (unsigned i = 0; i < 50; i++) {
        unsigned port = 20000 + ((unsigned)getpid() * 2 + i * 1022) % 12000;

        if (!kit_port_free(port) || !kit_port_free(port + 1))
            continue;
        if (kit_try("mkdir -p state && swtpm socket --tpm2 --tpmstate dir=%s/state --server type=tcp,port=%u,bindaddr=127.0.0.1 "
                    "--ctrl type=tcp,port=%u,bindaddr=127.0.0.1 --flags not-need-init,startup-clear --pid file=%s/pid --daemon",
                    kit_dir, port, port + 1, kit_dir) != 0)
            continue;
        (void)snprintf(tcti, sizeof(tcti), "swtpm:host=127.0.0.1,port=%u", port);
        assert_int_equal(setenv("TPM2TOOLS_TCTI", tcti, 1), 0);
        return;
    }
    (void)kit_try("tail -n 20 log >&3");
    fail_msg("swtpm does not start in %s", kit_dir);
}

static inline void
kit_tpm_stop(void)
{
    (void)kit_try("test ! -e pid || kill $(cat pid)");
}

#endif
