/*
 * bench_token.c - certificates with the CA's key in a PKCS#11 token (SoftHSM), through signer and keeper, beside bare C_Sign of the same token in the same run,
 * and beside the same requests with the key in a file. The requests are made before; each is evidence that the signer checks, an intent, a signature that is
 * verified, and two durable steps that a batch shares. BM_BENCH_DEVICES: how many; BM_BENCH_LINKS: how many are under way.
 */
#include "load.h"
#include "p11/p11.h"
#include "token_kit.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEVICES 1000
#define LINKS 32

static size_t devices, links;

/* Signatures a second, one after the other, by whoever holds the token. In a process of its own: the module is the keeper's afterwards. */
static double
bare(void)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    uint8_t in[BM_HASH] = { 1 }, raw[64];
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    struct bm_p11 token;
    double from, rate = 0;
    int ends[2], status;
    char uri[256];
    size_t n = 0;
    pid_t pid;

    (void)snprintf(uri, sizeof(uri), "token=ca;object=operational?module-path=%s&pin-value=1234", TOKEN_MODULE);
    if (pipe(ends) != 0)
        bench_die("bench_token: no pipe");
    if ((pid = fork()) == 0) {
        fixture_must(bm_p11_open(&token, BM_P11_CA, uri, &fail));
        fixture_must(bm_p11_find(&token, CKO_PRIVATE_KEY, "operational", bm_bytes(NULL, 0), found, &n, &fail));
        from = bench_now();
        for (size_t i = 0; i < devices; i++) {
            CK_ULONG size = sizeof(raw);

            if (EVP_Q_digest(NULL, "SHA256", NULL, raw, sizeof(raw), in, NULL) != 1 ||
                token.fn->C_SignInit(token.session, &mechanism, found[0]) != CKR_OK ||
                token.fn->C_Sign(token.session, in, sizeof(in), raw, &size) != CKR_OK)
                bench_die("bench_token: C_Sign");
        }
        rate = (double)devices / (bench_now() - from);
        _exit(write(ends[1], &rate, sizeof(rate)) == sizeof(rate) ? 0 : 1);
    }
    (void)close(ends[1]);
    if (read(ends[0], &rate, sizeof(rate)) != sizeof(rate) || waitpid(pid, &status, 0) != pid || status != 0)
        bench_die("bench_token: the bare token gives no signature");
    (void)close(ends[0]);
    return rate;
}

/* Certificates a second. */
static double
issue(struct fixture *f, const struct fixture_lot *lot)
{
    struct bm_buf *bodies = calloc(devices, sizeof(*bodies));
    struct fixture_answer answer;
    size_t sent = 0;
    double from;

    if (bodies == NULL)
        bench_die("bench_token: no memory");
    for (size_t i = 0; i < devices; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf bundle = { .max = BM_MAX_EVIDENCE };
        const struct fixture_request request = { .lot = lot, .chip = i };

        bodies[i].max = BM_MAX_MESSAGE_BODY;
        fixture_bundle(f, &bundle, &request);
        fixture_issue_body(&bodies[i], &request, bm_buf_bytes(&bundle));
    }
    from = bench_now();
    for (size_t done = 0; done < devices; done++) {
        while (sent < devices && sent < done + links)
            (void)fixture_send(f, BM_S_ISSUE, bm_buf_bytes(&bodies[sent++]));
        fixture_recv(f, false, &answer);
        if (answer.type != BM_S_ISSUED)
            fixture_unanswered(f, "issue", &answer);
    }
    from = (double)devices / (bench_now() - from);
    for (size_t i = 0; i < devices; i++)
        bm_buf_done(&bodies[i]);
    free(bodies);
    return from;
}

static void
site_open(struct fixture *f, struct fixture_lot *lot, bool token)
{
    fixture_make(f);
    if (token)
        token_move(f, TOKEN_MODULE, "pin-value=1234");
    fixture_start(f);
    fixture_lot_make(f, lot, "L1", devices);
    fixture_pin(f, lot);
    fixture_order(f, "order-1", lot, devices);
}

static void
site_close(struct fixture *f, struct fixture_lot *lot)
{
    (void)fixture_stop(f);
    fixture_lot_done(lot);
    fixture_remove(f);
}

int
main(void)
{
    double by_file, by_token, signing;
    struct fixture_lot lot;
    struct fixture f;

    if (access(TOKEN_MODULE, R_OK) != 0)
        bench_die("bench_token: %s is not here", TOKEN_MODULE);
    devices = bench_number("BM_BENCH_DEVICES", DEVICES);
    links = bench_number("BM_BENCH_LINKS", LINKS);
    site_open(&f, &lot, false);
    by_file = issue(&f, &lot);
    site_close(&f, &lot);
    site_open(&f, &lot, true);
    signing = bare();
    by_token = issue(&f, &lot);
    (void)printf("token_issue %.0f /s ratio %.3f against bare C_Sign (%.0f /s)\n", by_token, by_token / signing, signing);
    (void)printf("token_issue_by_file %.0f /s ratio %.2f against the same with the key in a file (%.0f /s)\n", by_token, by_token / by_file,
                 by_file);
    site_close(&f, &lot);
    return 0;
}
