/*
 * birthmark.h - identities of this device: keys in its hardware, certificates for them, TLS with them.
 *
 *     struct birthmark *bm = birthmark_new();
 *     SSL_CTX *tls;
 *
 *     if (birthmark_open(bm, "tpm2:") != BIRTHMARK_OK ||
 *         birthmark_enrol(bm, "https://line1:8443", "mqtt", NULL, "root.pem", 0) != BIRTHMARK_OK ||
 *         birthmark_tls_client(bm, "mqtt", "root.pem", "broker.example", &tls) != BIRTHMARK_OK)
 *             fprintf(stderr, "%s\n", birthmark_error(bm));
 *
 * Link with -lbirthmark -lssl -lcrypto. A handle is used by one thread at a time, and so are the TLS contexts made from it;
 * so are all handles on pkcs11: roots together where the token's module cannot do with several threads, as SoftHSM cannot.
 * All texts are UTF-8 and belong to the handle; they stay until the next call with it.
 */
#ifndef BIRTHMARK_H
#define BIRTHMARK_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#ifdef __cplusplus
extern "C" {
#endif

struct birthmark;

/* What came of it; the same numbers are birthmark-agent's exit codes. */
enum birthmark_result {
    BIRTHMARK_OK = 0,
    BIRTHMARK_REFUSED = 1, /* the server, the hardware or a certificate says no: trying again changes nothing */
    BIRTHMARK_USAGE = 2,   /* an argument is missing or has no meaning */
    BIRTHMARK_AWAY = 3     /* server away, token locked, memory full, clock not set: try again when that is mended */
};

/* NULL: no memory. */
struct birthmark *birthmark_new(void);
/* Accepts NULL. Free every SSL_CTX and SSL made from it first. */
void birthmark_free(struct birthmark *bm);

/* One sentence about the last call that did not give BIRTHMARK_OK; "" when there was none. Never NULL. */
const char *birthmark_error(const struct birthmark *bm);
/* One sentence about something that went wrong beside a call that gave BIRTHMARK_OK; "" when nothing did. */
const char *birthmark_warning(const struct birthmark *bm);

/*
 * Opens the root of trust: "tpm2:" (the default TPM), "tpm2:swtpm:port=2321", "pkcs11:token=...;object=...?pin-source=FILE" (RFC 7512),
 * "puf:sim:SEED:HELPERFILE" (a simulated PUF), "soft:KEY.pem" (development only). Once for each handle.
 */
enum birthmark_result birthmark_open(struct birthmark *bm, const char *root_uri);

/* New key even where the service has an identity: after its certificate was revoked and an operator allowed another. */
#define BIRTHMARK_NEW_KEY 1u

/*
 * Gets an identity for a service: a key made in the hardware, a certificate from the server, stored beside the key, confirmed. Safe to repeat after any
 * failure: the same key gets the same certificate. profile NULL: the service's name. ca_file: PEM, the site's root certificate.
 */
enum birthmark_result birthmark_enrol(struct birthmark *bm, const char *server_url, const char *service, const char *profile,
                                      const char *ca_file, unsigned flags);

/* Nothing is done before the identity's renew_from. */
#define BIRTHMARK_IF_DUE 2u

/*
 * Renews a service's identity: a new key, bound as the old one is to the boot state, which the root key speaks for and the old key signs for; its certificate
 * takes the old one's place in one step. The old identity works until then, and after any failure; safe to repeat. Arguments as above; profile NULL: the server's
 * choice. BIRTHMARK_REFUSED when the service has no identity.
 */
enum birthmark_result birthmark_renew(struct birthmark *bm, const char *server_url, const char *service, const char *profile,
                                      const char *ca_file, unsigned flags);

/*
 * A device without a network: somebody at another line of it (a factory's station over a serial port, a phone over Bluetooth) carries its requests. He is
 * trusted with nothing: the server's certificate for the new key is checked against ca_file here, and confirmed in a TLS handshake of this device with the
 * server. docs/formats/link.md is one such line, birthmark-agent link speaks it.
 *
 * Each function gives BIRTHMARK_OK, or BIRTHMARK_REFUSED or BIRTHMARK_AWAY and its sentence in why.
 */
#define BIRTHMARK_TYPE_MAX 128
struct birthmark_carried {
    long status;                   /* of HTTP */
    char type[BIRTHMARK_TYPE_MAX]; /* its Content-Type, "" for none */
    unsigned char *body;           /* memory for the reply's body, of `size` bytes */
    size_t size, n;                /* n: how many it has */
};
struct birthmark_carrier {
    void *ctx; /* the functions' own */
    char why[400];
    /* One POST to the server, to the path, with this Content-Type and body; the reply, whatever its status. */
    enum birthmark_result (*post)(struct birthmark_carrier *carrier, const char *path, const char *type, const void *body, size_t n,
                                  struct birthmark_carried *ret);
    /* A new connection to the server's port; then any number of exchanges: what goes out, then what has come in, waiting for the first byte of it. */
    enum birthmark_result (*connect)(struct birthmark_carrier *carrier);
    /* size 0: more will go out before anything comes in. Else *ret_n 0: the server has closed the connection. */
    enum birthmark_result (*exchange)(struct birthmark_carrier *carrier, const void *out, size_t nout, void *ret_in, size_t size,
                                      size_t *ret_n);
};
/* From now on requests go by it; NULL: over the network again. It must outlive the handle. */
enum birthmark_result birthmark_carry(struct birthmark *bm, struct birthmark_carrier *carrier);

/* The root of trust. */
struct birthmark_status {
    const char *root; /* "tpm", "secure-element", "puf", "software" */
    const char *id;   /* the hardware's own, "" where it has none */
    const char *keys; /* SHA-256 of each root key's SubjectPublicKeyInfo in hex, separated by spaces */
    size_t identities;
    const char *model;             /* of the part, "" where it does not say: "simulated SRAM PUF" */
    const char *device_id, *alias; /* DICE: SHA-256 of these keys' SubjectPublicKeyInfo in hex; "" where no firmware was measured */
    const char *first_code, *code; /* what was measured for each of them: SHA-256 in hex */
};
enum birthmark_result birthmark_status(struct birthmark *bm, struct birthmark_status *ret);

/* One identity. The pointers are good until `each` returns. */
struct birthmark_identity {
    const char *service;
    const char *subject; /* of the certificate, as text */
    const char *issuer;
    const char *serial;               /* hex */
    const char *key;                  /* SHA-256 of its SubjectPublicKeyInfo, hex */
    int64_t not_before, not_after;    /* seconds since 1970, UTC */
    const unsigned char *certificate; /* DER */
    size_t ncertificate;
    const char *bound;  /* PCRs that its key is bound to, "0,7"; "" for none */
    int usable;         /* 0: this boot may not use its key */
    int64_t renew_from; /* about two thirds of its life, not the same for every serial number */
    const char *broken; /* NULL; else why nothing but the service's name can be told: the other texts are "", and its key cannot be used */
};
/* Calls `each` for every identity, sorted by service. */
enum birthmark_result birthmark_identities(struct birthmark *bm, void (*each)(void *ctx, const struct birthmark_identity *identity),
                                           void *ctx);

/*
 * For programs that can only read files (nginx, curl, mosquitto's clients): a key file that names the service's key in the hardware, for OpenSSL's provider
 * "birthmark" (birthmark-agent(1)), and its certificates in PEM, leaf first. Each replaces the file as a whole. The key file holds no secret: a PIN in the
 * root's URI (pin-value) is refused, and a PKCS#11 module's path is left out, since it is code: openssl.cnf names it.
 */
enum birthmark_result birthmark_key_file(struct birthmark *bm, const char *service, const char *path);
enum birthmark_result birthmark_cert_file(struct birthmark *bm, const char *service, const char *path);

/*
 * A client's TLS context that is ready for mutual TLS as this service: its key signs in the hardware, its certificate and those above it are sent, the
 * server must show a certificate for `host` (a DNS name or an IP address) under a CA of ca_file. TLS 1.2 and 1.3. The caller frees it with SSL_CTX_free().
 * Make a new one after birthmark_enrol() with BIRTHMARK_NEW_KEY.
 */
enum birthmark_result birthmark_tls_client(struct birthmark *bm, const char *service, const char *ca_file, const char *host, SSL_CTX **ret);

/* ---- Boot state (a TPM's; other roots refuse) ---- */

/*
 * Keys and sealed data made with this handle from here on are bound to the values that these PCRs (SHA-256, "0,2,7") have now: under other firmware both are
 * refused. update_key_file: PEM, a public key on P-256 whose permits carry them over a firmware update; NULL: nothing carries them over. pcrs NULL: bound to
 * the device alone, as at first. Keys and data that are there already stay as they are.
 */
enum birthmark_result birthmark_bind(struct birthmark *bm, const char *pcrs, const char *update_key_file);

/* What this machine booted. */
struct birthmark_boot {
    const char *pcr[24]; /* values in hex; NULL where not asked for */
    const char *policy;  /* TPM2_PolicyPCR's digest for them in hex: what a permit is signed over (docs/formats/boot-permit.md) */
};
enum birthmark_result birthmark_boot(struct birthmark *bm, const char *pcrs, struct birthmark_boot *ret);

/*
 * Installs the permit for a boot state: n bytes of text, as the firmware's maker signed it. Before or after the update. BIRTHMARK_REFUSED when no update key
 * of this device signed it. The eight youngest are kept.
 */
enum birthmark_result birthmark_permit(struct birthmark *bm, const void *text, size_t n);

/* ---- Secure storage ---- */

/*
 * Seals bytes to this device, and to its boot state after birthmark_bind(). They replace what was sealed by that name; a power cut leaves the old or the new.
 * name: 1 to 64 characters of [A-Za-z0-9._-]. n: at most BIRTHMARK_SEALED_MAX; for more, seal a key and encrypt with it. The caller wipes its copy.
 */
#define BIRTHMARK_SEALED_MAX 2048
enum birthmark_result birthmark_seal(struct birthmark *bm, const char *name, const void *bytes, size_t n);

/* Into the caller's memory of `size` bytes: BIRTHMARK_SEALED_MAX are always enough. Nothing is written unless it gives BIRTHMARK_OK. */
enum birthmark_result birthmark_unseal(struct birthmark *bm, const char *name, void *ret_bytes, size_t size, size_t *ret_n);

/* The pointers are good until `each` returns. */
struct birthmark_sealed {
    const char *name;
    const char *bound; /* as above */
    int usable;
};
enum birthmark_result birthmark_sealed(struct birthmark *bm, void (*each)(void *ctx, const struct birthmark_sealed *sealed), void *ctx);
enum birthmark_result birthmark_sealed_remove(struct birthmark *bm, const char *name);

/* ---- The end of identities ---- */

/* The service's identity, and a key that waits for a certificate, are destroyed. The server is not told: revoke the certificate there. */
enum birthmark_result birthmark_retire(struct birthmark *bm, const char *service);

/* Factory reset: every identity, all sealed data and every permit are destroyed; the root identity stays. Cut off, it is done again. */
enum birthmark_result birthmark_reset(struct birthmark *bm);

#ifdef __cplusplus
}
#endif

#endif
