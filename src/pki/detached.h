/* detached.h - a CMS signature (RFC 5652) that lies beside a file, by one of the signers that are pinned. */
#ifndef BM_DETACHED_H
#define BM_DETACHED_H

#include "pki/cert.h"

/*
 * CMS in DER with one SignerInfo over the content that lies outside, SHA-256, SHA-384 or SHA-512. Certificates inside it are not looked at: the signer is
 * one of `signers`, told by place. *ret_time: the signed attribute signingTime; 0: there is none. BM_EPOLICY: it does not verify, or nobody pinned made it.
 */
bm_must_use enum bm_rc bm_cms_check(struct bm_bytes cms, struct bm_bytes content, struct bm_certs signers, size_t *ret_signer,
                                    bm_time *ret_time, struct bm_fail *fail);

#endif
