/* maker.h - a chipmaker as the command line names it: keys and certificates from files, and the record that the store keeps. */
#ifndef BM_CLI_MAKER_H
#define BM_CLI_MAKER_H

#include "cli/cli.h"
#include "lot/lot.h"

/* What --signer, --root and --format give, or what the store kept. bm_vendor's pointers lie in it. Zeroed is empty. */
struct bm_maker {
    struct bm_vendor vendor;
    struct bm_note_key *keys;
    struct bm_bytes *signers, *roots; /* DER, each on the heap */
    uint8_t (*retired)[BM_HASH];
};
void bm_maker_done(struct bm_maker *maker);

/* A vendor's name: 1 to 64 bytes of printable text. */
bm_must_use enum bm_rc bm_maker_name(struct bm_call *call, const char *name, struct bm_fail *fail);
/* The name of a signed note's key for a vendor: spaces and '+', which such a name may not have, become '-'. */
void bm_maker_key_name(char ret_name[static BM_NOTE_NAME + 1], const char *vendor);

/* From the command line. A signer is a vkey, a file with one, an Ed25519 public key in PEM, or an X.509 certificate. */
bm_must_use enum bm_rc bm_maker_collect(struct bm_maker *ret_maker, struct bm_call *call, const char *name, struct bm_fail *fail);

/* The body of BM_C_VENDOR_ADD, and back. */
void bm_maker_build(struct bm_buf *buf, const struct bm_maker *maker);
bm_must_use enum bm_rc bm_maker_parse(struct bm_maker *ret_maker, struct bm_bytes body, struct bm_fail *fail);

/* vendor.c: nothing of a test hierarchy speaks for a vendor, and no lot for tests is taken, where the site in this home is for production. */
bm_must_use enum bm_rc bm_maker_test_check(const struct bm_maker *maker, const char *home, struct bm_fail *fail);
bm_must_use enum bm_rc bm_lot_test_check(const struct bm_lot_head *head, const char *home, struct bm_fail *fail);

/* vendor.c: the vendor as the site knows it; refused when it knows none, or a retired one. */
struct bm_ask;
bm_must_use enum bm_rc bm_maker_ask(struct bm_maker *ret_maker, struct bm_ask *ask, const char *vendor, struct bm_fail *fail);
/* This signer is believed no more: SHA-256 of the certificate's DER, or of the note key's bytes. */
bm_must_use enum bm_rc bm_maker_retire(struct bm_maker *maker, const uint8_t fingerprint[static BM_HASH], struct bm_fail *fail);
/* The same by its fingerprint in hex, or by a file as of --signer; BM_EPOLICY when the vendor has no such signer. */
bm_must_use enum bm_rc bm_maker_retire_named(struct bm_maker *maker, const char *word, struct bm_fail *fail);

#endif
