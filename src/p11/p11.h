/* p11.h - one PKCS#11 token: found by its RFC 7512 URI, logged into, its objects found, read and written. */
#ifndef BM_P11_H
#define BM_P11_H

#include "pki/key.h"

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#define BM_P11_ID 64     /* longest CKA_ID that we follow */
#define BM_P11_FOUND 160 /* objects looked at in one search: BM_MAX_SERVICES identities with their certificates */

/* Whose keys are in it. Decides the words of a refusal (where the reader finds the URI), and: */
enum bm_p11_use {
    BM_P11_ROOT, /* a device's: written to; without module-path the usual module is taken; a locked token is refused at once */
    BM_P11_CA,   /* the server's: read only; module-path must be there; another CA's URI may have brought the PIN */
};

/* Opened, and logged in where the token asks for it. The module stays loaded and initialised: the program around us may use it too. */
struct bm_p11 {
    enum bm_p11_use use;
    CK_FUNCTION_LIST *fn;
    CK_SESSION_HANDLE session;
    bool opened;
    P11KitUri *uri;
    char serial[17];             /* of the token, without padding */
    char label[BM_MAX_NAME + 1]; /* the URI's object; "" without one */
    uint8_t id[BM_P11_ID];       /* the URI's id, when it gives one */
    size_t nid;
};
#define BM_P11_SCHEME "pkcs11:"
/* rest: what stands behind "pkcs11:" in the URI. All files that the room itself opens (module, pin-source) are opened here. */
bm_must_use enum bm_rc bm_p11_open(struct bm_p11 *ret_token, enum bm_p11_use use, const char *rest, struct bm_fail *fail);
void bm_p11_close(struct bm_p11 *token);

/* The module of a URI that names none: BM_PKCS11_MODULE, else SoftHSM. */
const char *bm_p11_module(void);

/* What a failed call means to the reader: BM_EBUSY with what to do. */
#define BM_P11_PIN "PKCS#11 v2.40 5.6.8" /* its citation when the token refused the PIN: whoever goes on trying that one locks the token */
enum bm_rc bm_p11_fail(const struct bm_p11 *token, CK_RV rv, const char *what, struct bm_fail *fail);

/* For templates: PKCS#11 takes them by pointers to non-const that it does not write through. */
CK_ATTRIBUTE bm_p11_attribute(CK_ATTRIBUTE_TYPE type, const void *value, size_t n);

/* Token objects of this class; label NULL and id.n 0 match any. At most BM_P11_FOUND come back. */
bm_must_use enum bm_rc bm_p11_find(const struct bm_p11 *token, CK_OBJECT_CLASS class, const char *label, struct bm_bytes id,
                                   CK_OBJECT_HANDLE found[static BM_P11_FOUND], size_t *ret_n, struct bm_fail *fail);
/* Appends an attribute's value; nothing when the object has none. */
bm_must_use enum bm_rc bm_p11_read(const struct bm_p11 *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct bm_buf *value,
                                   struct bm_fail *fail);
bm_must_use enum bm_rc bm_p11_destroy(const struct bm_p11 *token, const CK_OBJECT_HANDLE *objects, size_t n, struct bm_fail *fail);
bm_must_use enum bm_rc bm_p11_rename(const struct bm_p11 *token, CK_OBJECT_HANDLE object, const char *label, struct bm_fail *fail);

/* A P-256 key pair that cannot leave the token. id.n 0: a random one. */
bm_must_use enum bm_rc bm_p11_generate(const struct bm_p11 *token, const char *label, struct bm_bytes id, struct bm_fail *fail);
/* The public key that belongs to this private key. */
bm_must_use enum bm_rc bm_p11_public(const struct bm_p11 *token, CK_OBJECT_HANDLE private, struct bm_key *ret_key, struct bm_fail *fail);
/* Appends an ECDSA signature over tbs, as DER. alg: BM_SIG_ECDSA_SHA256 for a key on P-256, BM_SIG_ECDSA_SHA384 for one on P-384. */
bm_must_use enum bm_rc bm_p11_sign(const struct bm_p11 *token, CK_OBJECT_HANDLE private, enum bm_sig_alg alg, struct bm_bytes tbs,
                                   struct bm_buf *signature, struct bm_fail *fail);

/* decrypt.c: the one private key that the URI's object and id name; *ret_type: CKK_RSA, CKK_EC ... */
bm_must_use enum bm_rc bm_p11_private_find(const struct bm_p11 *token, CK_OBJECT_HANDLE *ret_private, CK_KEY_TYPE *ret_type,
                                           struct bm_fail *fail);
/* Appends what RSAES-OAEP with SHA-256 in hash and mask sealed, without a label. BM_EPOLICY: not with this key, or the token cannot. */
bm_must_use enum bm_rc bm_p11_oaep_open(const struct bm_p11 *token, CK_OBJECT_HANDLE private, struct bm_bytes sealed, struct bm_buf *open,
                                        struct bm_fail *fail);
/* Appends the x coordinate that an EC key and a point (uncompressed) have in common. BM_EPOLICY: not on its curve, or the token cannot. */
bm_must_use enum bm_rc bm_p11_ecdh(const struct bm_p11 *token, CK_OBJECT_HANDLE private, struct bm_bytes point, struct bm_buf *secret,
                                   struct bm_fail *fail);

/* secret.c: an AES-256 key that cannot leave the token, what it encrypts, and data objects. Found by bm_p11_find() with CKO_SECRET_KEY and CKO_DATA. */
bm_must_use enum bm_rc bm_p11_secret_generate(const struct bm_p11 *token, const char *label, struct bm_fail *fail);
bm_must_use enum bm_rc bm_p11_random(const struct bm_p11 *token, uint8_t *ret, size_t n, struct bm_fail *fail);
#define BM_P11_GCM_NONCE 12
/* Appends ciphertext and tag. */
bm_must_use enum bm_rc bm_p11_gcm_close(const struct bm_p11 *token, CK_OBJECT_HANDLE key, const uint8_t nonce[static BM_P11_GCM_NONCE],
                                        struct bm_bytes aad, struct bm_bytes bytes, struct bm_buf *sealed, struct bm_fail *fail);
/* Appends what was encrypted. BM_EPOLICY: not with this key, nonce and aad. */
bm_must_use enum bm_rc bm_p11_gcm_open(const struct bm_p11 *token, CK_OBJECT_HANDLE key, const uint8_t nonce[static BM_P11_GCM_NONCE],
                                       struct bm_bytes aad, struct bm_bytes sealed, struct bm_buf *bytes, struct bm_fail *fail);
/* A private data object of application "birthmark". */
bm_must_use enum bm_rc bm_p11_data_add(const struct bm_p11 *token, const char *label, struct bm_bytes value, struct bm_fail *fail);

/* ed25519.c: a key that signs notes (PKCS#11 3.0 CKM_EDDSA, RFC 8032 Ed25519). The one private key that the URI's object and id name, and its public half. */
#define BM_P11_ED25519 32
#define BM_P11_ED25519_SIG 64
bm_must_use enum bm_rc bm_p11_ed25519_find(const struct bm_p11 *token, CK_OBJECT_HANDLE *ret_private,
                                           uint8_t ret_public[static BM_P11_ED25519], struct bm_fail *fail);
bm_must_use enum bm_rc bm_p11_ed25519_sign(const struct bm_p11 *token, CK_OBJECT_HANDLE private, struct bm_bytes text,
                                           uint8_t ret_signature[static BM_P11_ED25519_SIG], struct bm_fail *fail);

#endif
