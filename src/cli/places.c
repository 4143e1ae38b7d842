#include "cli/places.h"

#include "pki/cert.h"
#include "wire/lines.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SYSTEM_HOME "/var/lib/birthmark"
#define TRUST_HEAD "birthmark/trust/v1"
#define MAX_FILE 65536 /* of the small files in a home */

bool
bm_home_is_site(const char *home)
{
    char path[BM_PATH];
    struct bm_fail unused;

    return bm_path_join(path, home, BM_PLACE_SITE, &unused) == BM_OK && access(path, F_OK) == 0;
}

enum bm_rc
bm_home_name(struct bm_call *call, struct bm_fail *fail)
{
    if (call->home == NULL)
        call->home = getenv("BIRTHMARK_HOME");
    if (call->home == NULL || call->home[0] == 0)
        return bm_usage(call, fail, "no site's directory is named: give --home DIR or set BIRTHMARK_HOME");
    return BM_OK;
}

enum bm_rc
bm_home_find(struct bm_call *call, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (call->home == NULL && getenv("BIRTHMARK_HOME") == NULL && bm_home_is_site(SYSTEM_HOME))
        call->home = SYSTEM_HOME;
    if ((rc = bm_home_name(call, fail)) != BM_OK)
        return rc;
    if (!bm_home_is_site(call->home))
        return bm_fail(fail, BM_EINPUT, NULL, "there is no site in %s: make one with `birthmark init`, or name another with --home",
                       call->home);
    return BM_OK;
}

enum bm_rc
bm_place_path(char ret_path[static BM_PATH], const char *home, const char *format, const char *name, struct bm_fail *fail)
{
    const char *at = strstr(format, "%s");
    char place[256];
    int n;

    if (at == NULL)
        return bm_path_join(ret_path, home, format, fail);
    n = snprintf(place, sizeof(place), "%.*s%s%s", (int)(at - format), format, name, at + 2);
    if (n < 0 || (size_t)n >= sizeof(place))
        return bm_fail(fail, BM_EINPUT, NULL, "the name %.40s... is too long", name);
    return bm_path_join(ret_path, home, place, fail);
}

enum bm_rc
bm_place_read(struct bm_buf *buf, const char *home, const char *format, const char *name, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc = bm_place_path(path, home, format, name, fail);

    return rc != BM_OK ? rc : bm_file_read(buf, path, fail);
}

void
bm_site_free(struct bm_site **site)
{
    free(*site);
}

enum bm_rc
bm_site_read(struct bm_site **ret_site, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = MAX_FILE };
    bm_cleanup(bm_site_free) struct bm_site *site = calloc(1, sizeof(*site));
    enum bm_rc rc;

    if (site == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for site.conf");
    if ((rc = bm_place_read(&text, home, BM_PLACE_SITE, "", fail)) != BM_OK ||
        (rc = bm_site_parse(site, bm_buf_bytes(&text), fail)) != BM_OK)
        return rc;
    *ret_site = bm_take(site);
    return BM_OK;
}

enum bm_rc
bm_site_test(bool *ret_test, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_site_free) struct bm_site *site = NULL;
    enum bm_rc rc = bm_site_read(&site, home, fail);

    if (rc == BM_OK)
        *ret_test = site->test;
    return rc;
}

void
bm_trust_build(struct bm_buf *buf, const struct bm_note_key *ledger, const uint8_t (*roots)[BM_HASH], size_t nroots, bool test)
{
    char hex[2 * BM_HASH + 1];

    bm_buf_add_str(buf, TRUST_HEAD "\nledger ");
    bm_note_vkey_build(buf, ledger);
    bm_buf_add_str(buf, "\n");
    for (size_t i = 0; i < nroots; i++) {
        bm_hex(hex, bm_bytes(roots[i], BM_HASH));
        bm_lines_add(buf, "root", hex);
    }
    if (test)
        bm_lines_add(buf, "test", "yes");
}

enum bm_rc
bm_trust_parse(struct bm_trust *ret_trust, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_lines lines = bm_lines_open(text, TRUST_HEAD, "trust.txt", fail);
    struct bm_bytes vkey = bm_lines_want(&lines, "ledger"), value = { NULL, 0 };
    struct bm_trust trust = { .nroots = 1 };
    struct bm_lines before;
    enum bm_rc rc;

    bm_lines_hex(&lines, "root", trust.roots[0], BM_HASH);
    for (before = lines; trust.nroots < BM_MAX_ROOTS && bm_lines_have(&lines, "root", &value); before = lines) {
        lines = before;
        bm_lines_hex(&lines, "root", trust.roots[trust.nroots++], BM_HASH);
    }
    trust.test = bm_lines_have(&lines, "test", &value);
    if (trust.test && !bm_bytes_equal(value, bm_bytes_str("yes")))
        return bm_fail(fail, BM_EINPUT, NULL, "trust.txt: the line test must be yes, or not be there");
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    if ((rc = bm_note_vkey_parse(&trust.ledger, vkey, fail)) != BM_OK) {
        bm_fail_prefix(fail, "trust.txt: the ledger's key");
        return rc;
    }
    if (trust.ledger.type != BM_NOTE_ED25519)
        return bm_fail(fail, BM_EINPUT, NULL, "trust.txt: the ledger's key is none: a ledger signs with Ed25519");
    bm_sha256(trust.site, bm_bytes(trust.ledger.key, BM_NOTE_KEY));
    *ret_trust = trust;
    return BM_OK;
}

enum bm_rc
bm_trust_read(struct bm_trust *ret_trust, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = MAX_FILE };
    enum bm_rc rc = bm_file_read(&text, path, fail);

    return rc != BM_OK ? rc : bm_trust_parse(ret_trust, bm_buf_bytes(&text), fail);
}

enum bm_rc
bm_first_block(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_buf *into = ctx;

    if (into->n > 0)
        return BM_OK;
    bm_buf_add_bytes(into, der);
    return bm_buf_check(into, "the first PEM block", fail);
}

enum bm_rc
bm_cert_read(struct bm_buf *der, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = MAX_FILE };
    struct bm_cert cert;
    enum bm_rc rc;

    if ((rc = bm_file_read(&file, path, fail)) != BM_OK)
        return rc;
    if (file.n > 0 && file.p[0] == 0x30)
        bm_buf_add_bytes(der, bm_buf_bytes(&file));
    else
        rc = bm_pem_parse(bm_buf_bytes(&file), "CERTIFICATE", bm_first_block, der, fail);
    if (rc == BM_OK)
        rc = bm_buf_check(der, "the certificate", fail);
    if (rc == BM_OK)
        rc = bm_cert_parse(&cert, bm_buf_bytes(der), fail);
    if (rc == BM_EINPUT)
        bm_fail_prefix(fail, "%s", path);
    return rc;
}
