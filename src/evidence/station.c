#include "evidence/station.h"

#define LABEL "birthmark/station/v1\n"

void
bm_station_tbs(struct bm_buf *buf, struct bm_bytes csr)
{
    uint8_t hash[BM_HASH];

    bm_sha256(hash, csr);
    bm_buf_add_str(buf, LABEL);
    bm_buf_add(buf, hash, sizeof(hash));
}

/* The roots of trust that a station's key is in make P-256 keys. */
enum bm_rc
bm_station_check(struct bm_key *ret_station, struct bm_crypto *crypto, struct bm_bytes part, struct bm_bytes csr, struct bm_fail *fail)
{
    uint8_t room[sizeof(LABEL) + BM_HASH];
    struct bm_buf tbs = bm_buf_in(room, sizeof(room));
    struct bm_renewal word;
    struct bm_key key;
    enum bm_rc rc;

    if (bm_renewal_parse(&word, part, fail) != BM_OK)
        return bm_fail(fail, BM_EINPUT, NULL, "the station's word is cut short, or longer than a key and a signature");
    if ((rc = bm_key_parse(&key, word.key, fail)) != BM_OK)
        return rc;
    if (key.alg != BM_KEY_P256)
        return bm_fail(fail, BM_EPOLICY, NULL, "a station signs with a P-256 key");
    bm_station_tbs(&tbs, csr);
    rc = bm_key_verify(crypto, &key, BM_SIG_ECDSA_SHA256, bm_buf_bytes(&tbs), word.signature, fail);
    if (rc == BM_EPOLICY)
        return bm_fail(fail, rc, NULL, "the station did not sign this request: it was changed on the way, or is another's");
    if (rc == BM_OK)
        *ret_station = key;
    return rc;
}
