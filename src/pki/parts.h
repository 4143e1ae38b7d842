/* parts.h - the pieces that certificates and CRLs of ours are put together from. */
#ifndef BM_PKI_PARTS_H
#define BM_PKI_PARTS_H

#include "pki/tbs.h"

/* keyUsage, RFC 5280 4.2.1.3: bit 0 is the first bit of the first octet. */
enum {
    BM_KU_DIGITAL_SIGNATURE = 0x80,
    BM_KU_KEY_CERT_SIGN = 0x04,
    BM_KU_CRL_SIGN = 0x02
};

/* What every TBSCertificate of ours begins with: [0] v3, serial, algorithm, issuer, validity, subject, key. Refuses a serial that is not
 * 16 to 20 octets of a positive number, a key that is none of ours, dates the wrong way round or beyond the issuer's. `subject` is a
 * whole Name. */
bm_must_use enum bm_rc bm_tbs_head_add(struct bm_buf *buf, const struct bm_issuer *issuer, struct bm_bytes subject, struct bm_bytes spki,
                                       struct bm_bytes serial, const bm_time validity[static 2], struct bm_key *ret_key,
                                       struct bm_fail *fail);

/* Extension ::= SEQUENCE { OID, critical, OCTET STRING { ... } }: begin, write the value, end. */
struct bm_extension {
    size_t at, value;
};
struct bm_extension bm_extension_begin(struct bm_buf *buf, struct bm_bytes oid, bool critical);
void bm_extension_end(struct bm_buf *buf, struct bm_extension extension);

void bm_extension_key_usage(struct bm_buf *buf, uint8_t bits);
void bm_extension_ski(struct bm_buf *buf, const uint8_t key_id[static 20]);
void bm_extension_aki(struct bm_buf *buf, const uint8_t key_id[static 20]);
void bm_extension_crl_points(struct bm_buf *buf, const char *url);              /* nothing when url is "" */
void bm_extension_crl_scope(struct bm_buf *buf, const char *url);               /* a CRL's: critical; nothing when url is "" */
void bm_extension_ocsp(struct bm_buf *buf, const char *url);                    /* authorityInfoAccess; nothing when url is "" */
void bm_extension_eku(struct bm_buf *buf, bool client_auth, bool server_auth);  /* nothing when neither */
void bm_extension_basic_constraints(struct bm_buf *buf, bool ca, int path_len); /* critical; path_len < 0: none */
/* certificatePolicies without qualifiers: the test mark, a policy for each fact, anyPolicy; nothing when there is none of them */
void bm_extension_policies(struct bm_buf *buf, bool test, unsigned proven, bool any);
void bm_extension_no_rev_avail(struct bm_buf *buf); /* RFC 9608: nobody will say that it is revoked */

/* The content octets of an object identifier in its dotted form: two arcs or more of 32 bits, none with a leading zero. */
bm_must_use bool bm_oid_text_add(struct bm_buf *buf, const char *text);

/* What the profile makes of the records (tbs_names.c): the subject's Name, whole element; the subjectAltName, when there is one. */
bm_must_use enum bm_rc bm_subject_build(struct bm_buf *buf, const struct bm_profile *profile, const struct bm_subject *subject,
                                        struct bm_fail *fail);
bm_must_use enum bm_rc bm_extension_san(struct bm_buf *buf, const struct bm_profile *profile, const struct bm_subject *subject,
                                        struct bm_fail *fail);

#endif
