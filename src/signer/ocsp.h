/* ocsp.h - who answers for a CA when somebody asks what became of a certificate: its responder's certificate, as the journal has it. */
#ifndef BM_SIGNER_OCSP_H
#define BM_SIGNER_OCSP_H

#include "pki/ocsp.h"

/* One a CA, all with the site's one OCSP key. Made anew when half of its time is over; nobody asks about it (id-pkix-ocsp-nocheck), so its time is short. */
#define BM_RESPONDER_SECONDS (28 * 86400)
#define BM_RESPONDER_NAME "OCSP responder"

struct bm_responder {
    bool open;         /* its next certificate is on record, and not signed */
    struct bm_buf tbs; /* ... that one */
    uint8_t next_key[BM_HASH];
    bm_time next_end;
    struct bm_buf der; /* n = 0: it has none yet */
    uint8_t key[BM_HASH];
    bm_time not_after;
};
void bm_responder_done(struct bm_responder *responder);

#endif
