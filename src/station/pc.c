/* pc.c - what a station brings to every unit, from its own root of trust. */
#include "station/unit.h"

#include "device/tls.h"

#include <openssl/err.h>

enum bm_rc
bm_station_tls(SSL_CTX **ret_tls, struct bm_provider *provider, struct bm_root *root, const char *service, const char *ca_file,
               struct bm_fail *fail)
{
    SSL_CTX *tls = SSL_CTX_new_ex(bm_provider_context(provider), BM_PROVIDER_PROPERTIES, TLS_server_method());
    enum bm_rc rc = BM_OK;

    if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1)
        rc = bm_fail(fail, BM_ENOMEM, NULL, "libssl makes no context");
    else if (SSL_CTX_load_verify_file(tls, ca_file) != 1)
        rc = bm_fail(fail, BM_EINPUT, NULL, "%s holds no certificate in PEM", ca_file);
    else if ((rc = bm_tls_identity(tls, provider, root, service, fail)) == BM_OK) {
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        (void)SSL_CTX_set_num_tickets(tls, 0);
        *ret_tls = bm_take(tls);
    }
    ERR_clear_error();
    SSL_CTX_free(tls);
    return rc;
}

void
bm_station_close(struct bm_station_pc *pc)
{
    SSL_CTX_free(pc->station.tls); /* its key lives in the provider */
    bm_http_close(pc->station.http);
    bm_provider_free(pc->provider);
    bm_root_close(pc->root);
    *pc = (struct bm_station_pc){ 0 };
}

enum bm_rc
bm_station_open(struct bm_station_pc *ret, const char *root_uri, const char *order, const char *server, const char *ca_file,
                struct bm_fail *fail)
{
    bm_cleanup(bm_station_close) struct bm_station_pc pc = { .station = { .order = order, .server = server } };
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    enum bm_rc rc;

    if ((rc = bm_root_open(&pc.root, root_uri, fail)) != BM_OK)
        return rc;
    if ((rc = pc.root->ops->certs(pc.root, BM_STATION_SERVICE, &certs, fail)) == BM_EPOLICY)
        return bm_fail(fail, rc, NULL, "this station has no certificate yet: see `birthmark station enrol --help`");
    if (rc != BM_OK || (rc = bm_provider_new(&pc.provider, fail)) != BM_OK ||
        (rc = bm_http_open(&pc.station.http, server, ca_file, NULL, fail)) != BM_OK ||
        (rc = bm_http_identity(pc.station.http, pc.root, BM_STATION_SERVICE, fail)) != BM_OK ||
        (rc = bm_station_tls(&pc.station.tls, pc.provider, pc.root, BM_STATION_SERVICE, ca_file, fail)) != BM_OK)
        return rc;
    pc.station.root = pc.root;
    *ret = pc;
    pc = (struct bm_station_pc){ 0 };
    return BM_OK;
}
