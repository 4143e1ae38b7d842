/* maker_parts.h - what a vendor is put together of; for maker_*.c alone. */
#ifndef BM_MAKER_PARTS_H
#define BM_MAKER_PARTS_H

#include "cli/maker.h"

#define BM_MAKER_SIGNERS 64 /* a number goes into one octet, and nobody has more */
#define BM_MAKER_ROOTS 255  /* the same; all makers of TPMs together have 169 */

/* Printable text without a space at its ends. */
bool bm_maker_name_ok(struct bm_bytes name);
/* Once each, however often it comes. */
bm_must_use enum bm_rc bm_maker_key_add(struct bm_maker *maker, const struct bm_note_key *key, struct bm_fail *fail);
/* ctx: the struct bm_maker; for bm_pem_parse() too. A signer must be strict DER, a root may be what can be read. */
bm_must_use enum bm_rc bm_maker_signer_add(void *ctx, struct bm_bytes der, struct bm_fail *fail);
bm_must_use enum bm_rc bm_maker_root_add(void *ctx, struct bm_bytes der, struct bm_fail *fail);

#endif
