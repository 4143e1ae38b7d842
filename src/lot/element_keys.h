/* element_keys.h - the key set of one of Microchip's chips, read into its leaf and its chains. */
#ifndef BM_ELEMENT_KEYS_H
#define BM_ELEMENT_KEYS_H

#include "lot/secure_element.h"

/* set: the text of publicKeySet. Adds to leaf.keys, leaf.hashes, chain and certs, which has room for all that the payload holds, so that no view moves. */
bm_must_use enum bm_rc bm_element_keys_take(struct bm_element *element, struct bm_bytes set, struct bm_fail *fail);

#endif
