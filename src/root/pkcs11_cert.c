#include "root/pkcs11_cert.h"

#include "pki/cert.h"
#include "wire/der.h"

enum bm_rc
bm_p11_cert_add(const struct bm_p11 *token, const char *label, struct bm_bytes id, struct bm_bytes der, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf serial = { .max = 64 };
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_HANDLE made;
    struct bm_cert cert;
    enum bm_rc rc;
    CK_RV rv;

    if ((rc = bm_cert_parse(&cert, der, fail)) != BM_OK)
        return rc;
    bm_der_add_positive(&serial, cert.serial);
    if ((rc = bm_buf_check(&serial, "the serial number", fail)) != BM_OK)
        return rc;
    CK_ATTRIBUTE template[] = {
        bm_p11_attribute(CKA_CLASS, &class, sizeof(class)),
        bm_p11_attribute(CKA_CERTIFICATE_TYPE, &type, sizeof(type)),
        bm_p11_attribute(CKA_TOKEN, &yes, sizeof(yes)),
        bm_p11_attribute(CKA_PRIVATE, &no, sizeof(no)),
        bm_p11_attribute(CKA_LABEL, label, strlen(label)),
        bm_p11_attribute(CKA_ID, id.p, id.n),
        bm_p11_attribute(CKA_SUBJECT, cert.subject.p, cert.subject.n),
        bm_p11_attribute(CKA_ISSUER, cert.issuer.p, cert.issuer.n),
        bm_p11_attribute(CKA_SERIAL_NUMBER, serial.p, serial.n),
        bm_p11_attribute(CKA_VALUE, der.p, der.n),
    };
    rv = token->fn->C_CreateObject(token->session, template, BM_COUNT(template), &made);
    return rv == CKR_OK ? BM_OK : bm_p11_fail(token, rv, "store a certificate", fail);
}

enum bm_rc
bm_p11_cert_take(const struct bm_p11 *token, CK_OBJECT_HANDLE cert, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    enum bm_rc rc;

    if ((rc = bm_p11_read(token, cert, CKA_VALUE, &der, fail)) != BM_OK)
        return rc;
    bm_buf_add_lv32(certs, bm_buf_bytes(&der));
    return bm_buf_check(certs, "the certificates", fail);
}
