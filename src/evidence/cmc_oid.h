/* cmc_oid.h - the object identifiers of CMS and CMC that only this room reads, as content octets. Inside this room. */
#ifndef BM_CMC_OID_H
#define BM_CMC_OID_H

#include "pki/oid.h"

/* attributes of a SignerInfo, RFC 5652 11 */
static const uint8_t bm_oid_content_type[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03 };   /* 1.2.840.113549.1.9.3 */
static const uint8_t bm_oid_message_digest[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04 }; /* 1.2.840.113549.1.9.4 */

/* RFC 5272 3.2.1, 6 */
static const uint8_t bm_oid_pki_data[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x0c, 0x02 }; /* 1.3.6.1.5.5.7.12.2 id-cct-PKIData */
static const uint8_t bm_oid_cmc_transaction_id[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x07, 0x05 };  /* 1.3.6.1.5.5.7.7.5 */
static const uint8_t bm_oid_cmc_sender_nonce[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x07, 0x06 };    /* 1.3.6.1.5.5.7.7.6 */
static const uint8_t bm_oid_cmc_recipient_nonce[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x07, 0x07 }; /* 1.3.6.1.5.5.7.7.7 */
/* ours: evidence of the measured code (dice.h). 2.25.307092746837309235948451687700958801835 */
static const uint8_t bm_oid_cmc_dice[] = { 0x69, 0x83, 0xce, 0x87, 0xf4, 0xd9, 0x83, 0xc3, 0xaa, 0xb9,
                                           0xa9, 0x99, 0xe3, 0x8c, 0xfb, 0x9b, 0xe9, 0xff, 0xdf, 0x2b };

#define BM_TAG_BODY BM_DER_CONTEXT_CONSTRUCTED(0) /* [0] of ContentInfo, eContent, certificates, signedAttrs and tcr alike */

#endif
