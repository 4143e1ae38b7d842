/* keeper.h - the process that holds the CA keys' PKCS#11 tokens: one that is slow, gone or broken stops signatures and nothing else. */
#ifndef BM_KEEPER_H
#define BM_KEEPER_H

#include "proc/channel.h"
#include "record/site.h"
#include "signer/token.h"

/*
 * A warden, forked before the signer opens anything of its own, forks the keeper, and another one when that has ended: a token is opened by a fresh process
 * every time, so no module has to recover. The keeper loads the module, logs in, confines itself, signs.
 *
 *   signer  --BM_K_SIGN-->  keeper        over a channel
 *           <--BM_K_*-----
 *           --a byte----->  warden        "end this keeper"; the end of the pipe: "end all"
 */
enum bm_keeper_message {
    BM_K_SIGN = 1,     /* u8 number of the key in site.conf, lv32 bytes; id: of the signer's choice, not 0 */
    BM_K_SIGNED = 128, /* lv16 signature, the question's id */
    BM_K_HERE,         /* a u8 for each key that is open, its number: the tokens are, what was asked before is forgotten: ask again */
    BM_K_AWAY,         /* u8 enum bm_keeper_why, lv16 sentence: this keeper ends, what was asked of it is not answered */
};
enum bm_keeper_why {
    BM_KEEPER_GONE = 1, /* tried again, with back-off */
    BM_KEEPER_PIN,      /* the PIN is refused: never tried again as it is, or the token would lock itself; a changed pin-source is */
    BM_KEEPER_WRONG,    /* site.conf is wrong about it */
};

/* What the keeper knows of one line of site.conf; borrowed for as long as the keeper runs. uri NULL: that key is not in a token. `asked`: nobody has made a CA
 * of it yet, and it is no reason to keep the others from signing when it cannot be opened. */
struct bm_keeper_ca {
    const char *uri;
    const struct bm_key *key;
    bool asked;
};

struct bm_keeper {
    int channel; /* -1: no keeper is needed */
    int leash;
};

/* Is this key in a token? Else it is the signer's own to open. */
bool bm_keeper_needed(const char *uri);
/* Forks the warden; the process must have no threads and should hold no secrets yet. */
bm_must_use enum bm_rc bm_keeper_start(struct bm_keeper *ret_keeper, const struct bm_keeper_ca ca[static BM_MAX_KEYS], const char *home,
                                       struct bm_fail *fail);
void bm_keeper_done(struct bm_keeper *keeper);
/* Ends the keeper that runs, whatever it does; the next one follows. */
void bm_keeper_again(const struct bm_keeper *keeper);

/* keeper_serve.c: one keeper's life, in a process of its own; its exit status says why it ended. */
enum {
    BM_KEEPER_EXIT_SIGNER = 0, /* the signer is gone */
    BM_KEEPER_EXIT_AWAY = 1,
    BM_KEEPER_EXIT_PIN = 2,
    BM_KEEPER_EXIT_WORKED = 3 /* away, after it had signed: the next one need not wait */
};
int bm_keeper_serve(int channel, const struct bm_keeper_ca ca[static BM_MAX_KEYS], const char *home);

#endif
