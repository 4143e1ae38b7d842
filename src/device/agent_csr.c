/* agent_csr.c - a PKCS#10 request with the TPM's word in it, for EST clients that know nothing of us. Over the rooms, not the library: few devices want it. */
#include "device/agent.h"

#include "base/file.h"
#include "device/bound.h"
#include "device/enrol.h"
#include "device/turn.h"
#include "evidence/attested.h"
#include "wire/text.h"

#include <stdio.h>

const char bm_agent_help_csr[] =
    "birthmark-agent csr - a certificate request that the TPM's attestation key speaks for, to be sent by any EST client\n"
    "\n"
    "  --root URI       a TPM whose lot lists an attestation key: tpm2:, made with a template, as tpm2:;template=H-2\n"
    "  --server URL     the site's server, which gives the nonce: https://HOST:PORT\n"
    "  --service NAME   the name under which the device will hold the identity\n"
    "  --cacert FILE    the site's root certificate (root.pem)\n"
    "  --new-key        make a new key where there is one already\n"
    "  --pcrs LIST      bind a new key to what these PCRs hold now, as 0,2,7: other firmware cannot use it\n"
    "  --update-key FILE   PEM, P-256: boot permits that this key signs carry the key over updates of the firmware\n"
    "  -o, --out FILE   where to write it, in PEM; default: stdout\n"
    "\n"
    "Send it within five minutes, to /.well-known/est/LABEL/simpleenroll. The key stays in the TPM: birthmark-agent enrol\n"
    "with the same --service fetches the same certificate and stores it beside the key.\n"
    "\n"
    "  birthmark-agent csr --root tpm2: --server https://line1:8443 --service mqtt --cacert root.pem -o mqtt.csr\n"
    "  grep -v -e ---- mqtt.csr | curl --cacert root.pem -H 'Content-Type: application/pkcs10' --data-binary @- \\\n"
    "      https://line1:8443/.well-known/est/mqtt/simpleenroll | base64 -d | openssl pkcs7 -inform DER -print_certs\n";

static int
refuse(enum bm_rc rc, const struct bm_fail *fail)
{
    int code = bm_rc_exit(rc);

    (void)fprintf(stderr, "%s: %s\n", code == BIRTHMARK_REFUSED ? "refused" : "birthmark-agent", fail->text);
    return code;
}

/* The attestation key that speaks in this root's enrolments. */
static enum bm_rc
speaker_get(struct bm_leaf_key *ret_speaker, struct bm_root *root, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    enum bm_rc rc;

    if ((rc = bm_root_speaker(root, ret_speaker, &certs, fail)) != BM_OK)
        return rc;
    if (ret_speaker->use != BM_USE_ATTEST)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "no attestation key is a root key here, so that no request can carry its word: use birthmark-agent enrol");
    return BM_OK;
}

/* What it says of the key: fresh by the nonce, which is signed as it is. */
static enum bm_rc
attribute_make(struct bm_buf *attribute, const struct bm_enrol_run *run, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf nonce = { .max = 256 }, area = { .max = BM_MAX_TPM };
    bm_cleanup(bm_buf_done) struct bm_buf attest = { .max = BM_MAX_TPM }, signature = { .max = BM_MAX_TPM };
    struct bm_root *root = run->enrol->root;
    enum bm_rc rc;

    if ((rc = bm_enrol_nonce_get(&nonce, run, fail)) != BM_OK ||
        (rc = root->ops->certify(root, run->root_key, run->enrol->service, run->pending, bm_buf_bytes(&nonce), &area, &attest, &signature,
                                 fail)) != BM_OK)
        return rc;
    bm_attested_build(attribute, bm_buf_bytes(&attest), bm_buf_bytes(&signature), bm_buf_bytes(&area), bm_key_spki(run->root_key));
    return bm_buf_check(attribute, "the attestation", fail);
}

static enum bm_rc
request_make(struct bm_buf *pem, const struct bm_enrol *enrol, struct bm_fail *fail)
{
    bm_cleanup(bm_http_done) struct bm_http *http = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf attribute = { .max = BM_MAX_CSR }, csr = { .max = BM_MAX_CSR };
    struct bm_enrol_run run = { .enrol = enrol };
    struct bm_leaf_key speaker;
    enum bm_rc rc;

    if (!bm_name_ok(enrol->service, BM_MAX_NAME))
        return bm_fail(fail, BM_EINPUT, NULL, "services are named by 1 to %d characters of [A-Za-z0-9._-]", BM_MAX_NAME);
    if ((rc = speaker_get(&speaker, enrol->root, fail)) != BM_OK ||
        (rc = bm_http_open(&http, enrol->server, enrol->ca_file, NULL, fail)) != BM_OK || (rc = bm_enrol_key_choose(&run, fail)) != BM_OK)
        return rc;
    run.http = http;
    run.root_key = &speaker.key;
    if ((rc = attribute_make(&attribute, &run, fail)) != BM_OK ||
        (rc = bm_enrol_csr_make(&csr, &run, bm_buf_bytes(&attribute), fail)) != BM_OK)
        return rc;
    bm_pem_build(pem, "CERTIFICATE REQUEST", bm_buf_bytes(&csr));
    return bm_buf_check(pem, "the request", fail);
}

/* What a new key is bound to, and the key that is there already must be. */
static enum bm_rc
bind(struct bm_root *root, const struct options *options, struct bm_fail *fail)
{
    struct bm_bound bound;
    char warning[400];
    enum bm_rc rc;

    if (options->pcrs == NULL)
        return BM_OK;
    if ((rc = bm_bound_read(&bound, options->pcrs, options->update_key, fail)) != BM_OK ||
        (rc = bm_root_bind(root, &bound, fail)) != BM_OK ||
        (!options->new_key && (rc = bm_bound_check(root, &bound, options->service, fail)) != BM_OK) ||
        (rc = bm_bound_warn(warning, sizeof(warning), root, bound.pcrs, fail)) != BM_OK)
        return rc;
    if (*warning != '\0')
        (void)fprintf(stderr, "warning: %s\n", warning);
    return BM_OK;
}

int
bm_agent_csr(struct birthmark *bm, const struct options *options)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 2 * BM_MAX_CSR };
    bm_cleanup(bm_turn_done) int turn = -1; /* given back last */
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    struct bm_fail fail = { .rc = BM_OK };
    enum bm_rc rc;

    (void)bm;
    if (options->root == NULL || options->server == NULL || options->service == NULL || options->ca_file == NULL)
        return bm_agent_usage("csr wants ", options->root == NULL      ? "--root URI"
                                            : options->server == NULL  ? "--server URL"
                                            : options->service == NULL ? "--service NAME"
                                                                       : "--cacert FILE, the site's root.pem");
    if (options->pcrs == NULL && options->update_key != NULL)
        return bm_agent_usage("an update key wants ", "--pcrs LIST too");
    if ((rc = bm_turn_take(&turn, options->root, BM_TURN_WAIT, &fail)) != BM_OK ||
        (rc = bm_root_open(&root, options->root, &fail)) != BM_OK || (rc = bind(root, options, &fail)) != BM_OK)
        return refuse(rc, &fail);
    const struct bm_enrol enrol = {
        .root = root, .server = options->server, .service = options->service, .ca_file = options->ca_file, .new_key = options->new_key
    };
    if ((rc = request_make(&pem, &enrol, &fail)) != BM_OK ||
        (options->out != NULL && (rc = bm_file_write(options->out, bm_buf_bytes(&pem), 0644, &fail)) != BM_OK))
        return refuse(rc, &fail);
    if (options->out == NULL && fwrite(pem.p, 1, pem.n, stdout) != pem.n)
        return BIRTHMARK_AWAY;
    return BIRTHMARK_OK;
}
