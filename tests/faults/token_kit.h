/* token_kit.h - a site whose CA keys are in a SoftHSM token behind softhsm_shim.c, for the tests of what a token can do wrong. */
#ifndef BM_TOKEN_KIT_H
#define BM_TOKEN_KIT_H

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "site_fixture.h"

#define TOKEN_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define TOKEN_CHIPS 32

struct token_site {
    struct fixture f;
    struct fixture_lot lot;
    size_t chip; /* the next that has asked for nothing yet */
};

/* Moves the CA keys of a made site into a token in its home; `pin`: pin-value=... or pin-source=... */
void token_move(struct fixture *f, const char *module, const char *pin);
void token_run(const char *command);

int token_set_up(void **state); /* a lot pinned, an order open, the token behind the shim, its PIN in HOME/pin */
int token_tear_down(void **state);

/* The fault of softhsm_shim.c; NULL: none. */
void token_fault(struct token_site *t, const char *line);
/* How often the function was called since the site was made. */
size_t token_calls(const struct token_site *t, const char *function);
void token_remove(struct token_site *t);
void token_return(struct token_site *t);

/* Asks for a certificate of the next chip without waiting. */
uint64_t token_ask(struct token_site *t);
/* Asks, waits, and must have got it: signed by the CA. */
void token_issued(struct token_site *t, struct fixture_answer *answer);
/* Asks, and is told to come again, in words. */
void token_busy(struct token_site *t, const char *words);
/* Until the signer has said that the token is here, or away. */
void token_await(struct token_site *t, bool here);
/* What needs no token: a nonce, within a second. */
void token_nonce(struct token_site *t);

#endif
