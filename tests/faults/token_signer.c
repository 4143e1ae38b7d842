/* token_signer.c - the CA keys in a PKCS#11 token (SoftHSM): the confined signer signs with them, opens nothing but the token's directory, and says what is wrong. */
#include "base/base.h"

#include "base/file.h"
#include "token_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void
a_token_signs_in_confinement(void **state)
{
    struct fixture_answer answer;
    struct fixture_lot lot;
    struct bm_cert cert, ca;
    struct fixture f;

    (void)state;
    fixture_make(&f);
    token_move(&f, TOKEN_MODULE, "pin-value=1234");
    fixture_start(&f);
    fixture_lot_make(&f, &lot, "L1", 3);
    fixture_pin(&f, &lot);
    fixture_order(&f, "order-1", &lot, 3);
    for (size_t i = 0; i < 3; i++) {
        fixture_issue(&f, &(struct fixture_request){ .lot = &lot, .chip = i }, &answer);
        if (answer.type != BM_S_ISSUED)
            fail_msg("not issued: %s", answer.sentence);
        fixture_must(bm_cert_parse(&cert, bm_bytes(answer.certificate, answer.ncertificate), &fail));
        fixture_must(bm_cert_parse(&ca, bm_buf_bytes(&f.ca[BM_CA_OPERATIONAL]), &fail));
        fixture_must(bm_cert_signed_by(f.crypto, &cert, &ca, &fail));
    }
    assert_int_equal(fixture_stop(&f), 0);
    fixture_lot_done(&lot);
    fixture_remove(&f);
}

/* One sentence, exit 3. */
static void
assert_ends(struct fixture *f, const char *words)
{
    bm_cleanup(bm_buf_done) struct bm_buf said = { .max = 65536 };
    struct fixture_answer answer;
    const uint8_t hello[8] = { 0 };
    char path[BM_PATH];
    int status;

    fixture_spawn(f);
    fixture_ask(f, BM_S_HELLO, bm_bytes(hello, sizeof(hello)), false, &answer);
    assert_int_equal(answer.type, 0);
    status = fixture_stop(f);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    (void)snprintf(path, sizeof(path), "%s/signer.err", f->home);
    fixture_must(bm_file_read(&said, path, &fail));
    if (memmem(said.p, said.n, words, strlen(words)) == NULL)
        fail_msg("\"%.*s\" does not say \"%s\"", (int)said.n, (const char *)said.p, words);
}

static void
a_wrong_pin_is_said_plainly(void **state)
{
    struct fixture f;

    (void)state;
    fixture_make(&f);
    token_move(&f, TOKEN_MODULE, "pin-value=4321");
    assert_ends(&f, "the token refuses the PIN");
    fixture_remove(&f);
}

static void
a_key_of_another_certificate_is_refused(void **state)
{
    char line[BM_PATH];
    struct fixture f;

    (void)state;
    fixture_make(&f);
    (void)snprintf(line, sizeof(line), "cp %s/signer/idevid.key %s/signer/operational.key", f.home, f.home);
    token_run(line);
    assert_ends(&f, "not the one of its certificate");
    fixture_remove(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_signs_in_confinement),
        cmocka_unit_test(a_wrong_pin_is_said_plainly),
        cmocka_unit_test(a_key_of_another_certificate_is_refused),
    };

    if (access(TOKEN_MODULE, R_OK) != 0 || system("command -v softhsm2-util >/dev/null") != 0) {
        (void)printf("skipped: SoftHSM is not installed\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
