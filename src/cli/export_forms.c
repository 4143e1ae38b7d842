#include "cli/export.h"

#include "base/limits.h"
#include "cli/print.h"
#include "pki/cert.h"
#include "wire/text.h"

#define AZURE_CALL 10 /* enrollments, most a call */

/* ---- what they share ---- */

/* The row's certificate: DER, and PEM with a NUL behind it. */
static enum bm_rc
certificate_read(struct bm_buf *der, struct bm_buf *pem, const json_t *row, struct bm_fail *fail)
{
    const char *hex = bm_json_text(row, "certificate");
    size_t n = strlen(hex) / 2;
    uint8_t *p = bm_buf_grow(der, n);
    enum bm_rc rc;

    if ((rc = bm_buf_check(der, "a certificate", fail)) != BM_OK || (rc = bm_hex_parse(p, n, bm_bytes_str(hex), fail)) != BM_OK)
        return rc;
    bm_pem_build(pem, "CERTIFICATE", bm_buf_bytes(der));
    bm_buf_add_u8(pem, 0);
    return bm_buf_check(pem, "a certificate", fail);
}

static enum bm_rc
object_add(struct bm_buf *buf, json_t *object, struct bm_fail *fail)
{
    enum bm_rc rc = bm_json_check(object, fail);

    if (rc == BM_OK)
        rc = bm_json_print(buf, object, fail);
    json_decref(object);
    return rc;
}

/* ---- AWS IoT: the parameters of a bulk registration, a line a thing ---- */

static enum bm_rc
aws_row(struct bm_buf *buf, const json_t *row, uint64_t n, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT }, pem = { .max = 2 * BM_MAX_CERT };
    const char *serial = bm_json_text(row, "serial");
    enum bm_rc rc;

    (void)n;
    if ((rc = certificate_read(&der, &pem, row, fail)) != BM_OK)
        return rc;
    rc = object_add(buf,
                    json_pack("{s:s, s:s*, s:s}", "ThingName", bm_json_text(row, "device"), "SerialNumber", serial[0] == 0 ? NULL : serial,
                              "CertificatePem", (const char *)pem.p),
                    fail);
    bm_buf_add_str(buf, "\n");
    return rc;
}

/* ---- Azure DPS: bodies of the bulk operation on individual enrollments, one a line ---- */

/* Does a commonName of it say this? The service takes a device's word for its registration id from there. */
static bool
common_name_is(struct bm_bytes der, const char *name)
{
    size_t n = strlen(name);
    uint8_t want[7 + 64] = { 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, (uint8_t)n };
    bool found;

    if (n > 64)
        return false;
    memcpy(want + 7, name, n);
    found = memmem(der.p, der.n, want, 7 + n) != NULL;
    want[5] = 0x13; /* PrintableString */
    return found || memmem(der.p, der.n, want, 7 + n) != NULL;
}

static enum bm_rc
azure_row(struct bm_buf *buf, const json_t *row, uint64_t n, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT }, pem = { .max = 2 * BM_MAX_CERT };
    const char *device = bm_json_text(row, "device");
    enum bm_rc rc;

    if ((rc = certificate_read(&der, &pem, row, fail)) != BM_OK)
        return rc;
    if (!common_name_is(bm_buf_bytes(&der), device))
        return bm_fail(
            fail, BM_EPOLICY, NULL,
            "the certificate of device %s has not the device's id as its common name, by which Azure registers it: use a profile "
            "whose subject says so",
            device);
    if (n % AZURE_CALL == 0)
        bm_buf_add_fmt(buf, "%s{\"mode\":\"create\",\"enrollments\":[", n > 0 ? "]}\n" : "");
    else
        bm_buf_add_str(buf, ",");
    return object_add(buf,
                      json_pack("{s:s, s:s, s:{s:s, s:{s:{s:{s:s}}}}, s:s}", "registrationId", device, "deviceId", device, "attestation",
                                "type", "x509", "x509", "clientCertificates", "primary", "certificate", (const char *)pem.p,
                                "provisioningStatus", "enabled"),
                      fail);
}

static void
azure_end(struct bm_buf *buf, uint64_t n)
{
    if (n > 0)
        bm_buf_add_str(buf, "]}\n");
}

/* ---- CSV: the records of all devices, for spreadsheets and other systems ---- */

#define CSV_FIRST \
    "device,serial,model,hardware,firmware,owner,region,support_until,chip,lot,vendor,order,station,root,profile,state,made\r\n"
static const char *const csv_fields[] = { "device", "serial", "model", "hardware", "firmware", "owner",   "region", "support_until", "chip",
                                          "lot",    "vendor", "order", "station",  "root",     "profile", "state",  "made" };

static enum bm_rc
csv_row(struct bm_buf *buf, const json_t *row, uint64_t n, struct bm_fail *fail)
{
    (void)n;
    for (size_t i = 0; i < BM_COUNT(csv_fields); i++) {
        const char *text = bm_json_text(row, csv_fields[i]);
        bool quote = strpbrk(text, ",\"\r\n") != NULL;

        bm_buf_add_str(buf, i > 0 ? "," : "");
        bm_buf_add_str(buf, quote ? "\"" : "");
        for (; *text != 0; text++) {
            bm_buf_add_u8(buf, (uint8_t)*text);
            if (*text == '"')
                bm_buf_add_u8(buf, '"');
        }
        bm_buf_add_str(buf, quote ? "\"" : "");
    }
    bm_buf_add_str(buf, "\r\n");
    return bm_buf_check(buf, "a device's row", fail);
}

const struct bm_export_form *
bm_export_find(const char *name)
{
    static const struct bm_export_form forms[] = { { .name = "aws", .what = "export", .first = "", .row = aws_row },
                                                   { .name = "azure", .what = "export", .first = "", .row = azure_row, .end = azure_end },
                                                   { .name = "csv", .what = "device", .first = CSV_FIRST, .row = csv_row } };

    for (size_t i = 0; i < BM_COUNT(forms); i++)
        if (strcmp(forms[i].name, name) == 0)
            return &forms[i];
    return NULL;
}
