/* ek_cert.h - what a TPM's endorsement certificate says of the TPM (TCG EK Credential Profile 2.x, section 3). */
#ifndef BM_EK_CERT_H
#define BM_EK_CERT_H

#include "lot/leaf.h"
#include "pki/cert.h"

/* Views into the certificate; n = 0: not said. */
struct bm_ek_says {
    struct bm_bytes manufacturer, model, version; /* attributes 2.23.133.2.1 to .3 of the directory name in the subjectAltName */
    struct bm_bytes serial;                       /* serialNumber (2.5.4.5) there, or in the subject */
    bool name, name_critical, name_ordered;       /* there is a subjectAltName; it is critical; its SETs are in order */
    bool purpose, other_purpose;                  /* extended key usage: 2.23.133.8.1 (or any); others alone */
    enum bm_root_origin origin;                   /* of the key, by ekGenerationType of tPMSecurityAssertions */
};
void bm_ek_say(struct bm_ek_says *ret, const struct bm_cert_loose *cert);

#endif
