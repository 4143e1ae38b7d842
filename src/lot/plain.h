/* plain.h - has a chip's certificate nothing in it but what a signature answers? */
#ifndef BM_PLAIN_H
#define BM_PLAIN_H

#include "pki/cert.h"

/*
 * True: libcrypto would read it, and its names and extensions have no say in its path: issuer, subject and subjectAltName of printable ASCII, key usage, basic
 * constraints without a length, the key identifiers, purposes, places of CRLs by URI, and of the others those that are not critical and that nobody
 * acts on. In doubt false: then libcrypto is asked.
 */
bool bm_cert_plain(const struct bm_cert *cert);

#endif
