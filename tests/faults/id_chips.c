/*
 * id_chips.c - what a chipmaker that lists its chips by id alone hands over, and the chips: into the directory that is named.
 *
 *   signer.pem root.pem chips.json     for the custodian: two chips, 0123abcd00 and 0123abcd01, in Microchip's version 2
 *   one.pem two.pem                    the chips: root key, its certificate, those above it; the second one without the vendor's root
 *   copy.pem                           another key with a good certificate for the first chip's id
 *   stranger.pem                       a key with a certificate for the second's, under a root that only bears the name
 *
 * With a number behind the directory so many chips, 0123abcd01 and on, in id-1.pem and on, and a copy of each in copy-1.pem and on.
 */
#include "base/base.h"
#include "base/file.h"

#include "../unit/lot/chain.h"

#include "pki/cert.h"

#include <stdlib.h>

#define FROM 1704067200
#define UNTIL 2632276800
#define MOST 255 /* two hex digits */

static const char *dir;

static void
put(const char *name, const struct bm_buf *bytes)
{
    struct bm_fail fail;
    char path[BM_PATH];

    maker_must(!bytes->bad && bm_path_join(path, dir, name, &fail) == BM_OK &&
               bm_file_write(path, bm_buf_bytes(bytes), 0600, &fail) == BM_OK);
}

static void
put_cert(const char *name, struct bm_bytes der)
{
    struct bm_buf pem = { .max = 1 << 14 };

    bm_pem_build(&pem, "CERTIFICATE", der);
    put(name, &pem);
    bm_buf_done(&pem);
}

static void
put_chip(const char *name, struct chain *vendor, const char *cn, bool with_root)
{
    struct bm_buf pem = { .max = 1 << 15 }, der = { .max = BM_MAX_CERT };
    struct bm_private *key = NULL;
    struct bm_fail fail;

    maker_must(bm_private_generate(&key, BM_KEY_P256, &fail) == BM_OK && bm_private_build(&pem, key, &fail) == BM_OK);
    chain_device(&der, vendor, bm_private_public(key), cn, FROM, UNTIL);
    bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(&der));
    bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(&vendor->issuer));
    if (with_root) /* else the server has it from the vendor's record */
        bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(&vendor->root));
    put(name, &pem);
    bm_private_free(key);
    bm_buf_done(&pem);
    bm_buf_done(&der);
}

/* The head of version 1 with another number; no keys follow. */
static void
entry_add(struct bm_buf *json, struct maker *maker, const char *id)
{
    struct bm_buf payload = { .max = 1 << 14 };
    char protected_json[256], header[128];
    uint8_t *version;

    bm_buf_add_fmt(&payload, MAKER_HEAD "\"uniqueId\":\"%s\"}", id);
    maker_must(!payload.bad);
    version = memmem(payload.p, payload.n, "\"version\":1", 11);
    maker_must(version != NULL);
    version[10] = '2';
    maker_protected(protected_json, sizeof(protected_json), maker);
    (void)snprintf(header, sizeof(header), "{\"uniqueId\":\"%s\"}", id);
    maker_sign(json, maker, protected_json, bm_buf_bytes(&payload), header);
    bm_buf_done(&payload);
}

static void
put_two(struct bm_buf *json, struct maker *maker, struct chain *vendor)
{
    struct chain stranger;

    entry_add(json, maker, "0123abcd00");
    bm_buf_add_str(json, ",");
    entry_add(json, maker, "0123abcd01");
    put_chip("one.pem", vendor, "sn0123ABCD00", true);
    put_chip("two.pem", vendor, "sn0123ABCD01", false);
    put_chip("copy.pem", vendor, "sn0123ABCD00", true);
    chain_open(&stranger, FROM, UNTIL);
    put_chip("stranger.pem", &stranger, "sn0123ABCD01", true);
    chain_close(&stranger);
}

static void
put_many(struct bm_buf *json, struct maker *maker, struct chain *vendor, unsigned n)
{
    char name[32], id[32], cn[32];

    for (unsigned i = 1; i <= n; i++) {
        (void)snprintf(id, sizeof(id), "0123abcd%02x", i);
        (void)snprintf(cn, sizeof(cn), "sn0123ABCD%02X", i);
        bm_buf_add_str(json, i > 1 ? "," : "");
        entry_add(json, maker, id);
        (void)snprintf(name, sizeof(name), "id-%u.pem", i);
        put_chip(name, vendor, cn, i % 2 == 0);
        (void)snprintf(name, sizeof(name), "copy-%u.pem", i);
        put_chip(name, vendor, cn, i % 2 == 0);
    }
}

int
main(int argc, char **argv)
{
    unsigned n = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    struct bm_buf json = { .max = 1 << 20 };
    struct chain vendor;
    struct maker maker;

    maker_must((argc == 2 || argc == 3) && n <= MOST);
    dir = argv[1];
    maker_open(&maker, FROM, UNTIL);
    chain_open(&vendor, FROM, UNTIL);
    put_cert("signer.pem", bm_buf_bytes(&maker.cert));
    put_cert("root.pem", bm_buf_bytes(&vendor.root));
    bm_buf_add_str(&json, "[");
    if (argc == 3)
        put_many(&json, &maker, &vendor, n);
    else
        put_two(&json, &maker, &vendor);
    bm_buf_add_str(&json, "]");
    put("chips.json", &json);
    chain_close(&vendor);
    maker_close(&maker);
    bm_buf_done(&json);
    return 0;
}
