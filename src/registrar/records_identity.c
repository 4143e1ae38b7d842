/* records_identity.c - certificates and what becomes of them, from events to rows. */
#include "registrar/kept.h"

#include "lot/leaf_skim.h"
#include "registrar/skim.h"
#include "registrar/units.h"
#include "wire/text.h"

static enum bm_rc
serial_parse(uint8_t ret[static BM_MAX_SERIAL], struct bm_bytes *ret_serial, struct bm_bytes hex, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (hex.n > 2 * BM_MAX_SERIAL || hex.n % 2 != 0)
        return bm_fail(fail, BM_EBUG, NULL, "the signer's event has a serial of %zu digits", hex.n);
    if ((rc = bm_hex_parse(ret, hex.n / 2, hex, fail)) != BM_OK)
        return rc;
    *ret_serial = bm_bytes(ret, hex.n / 2);
    return BM_OK;
}

static enum bm_rc
state_set(const struct kept *k, struct bm_bytes hex, const char *state, const char *reason, struct bm_fail *fail)
{
    uint8_t serial[BM_MAX_SERIAL];
    struct bm_bytes view = { 0 };
    enum bm_rc rc;

    if ((rc = serial_parse(serial, &view, hex, fail)) != BM_OK)
        return rc;
    return bm_store_identity_state(k->r->store, view, state, k->event->time, reason, fail);
}

/* The chip as its lot lists it: its entry goes with the evidence, and the signer has seen the proof that it stands in the lot. */
struct chip {
    char label[BM_MAX_ID + 1];
    uint8_t names[BM_MAX_CHIP_KEYS][BM_HASH];
    struct bm_store_chip row;
};

static enum bm_rc
chip_of(struct chip *ret_chip, const char *lot, struct bm_bytes evidence, struct bm_fail *fail)
{
    struct bm_leaf_skim skim;
    struct bm_bundle bundle;
    enum bm_rc rc;

    if ((rc = bm_bundle_parse(&bundle, evidence, fail)) != BM_OK || (rc = bm_leaf_skim(&skim, bundle.leaf, fail)) != BM_OK)
        return rc;
    bm_view_copy(ret_chip->label, sizeof(ret_chip->label), skim.id);
    ret_chip->row = (struct bm_store_chip){ .label = ret_chip->label,
                                            .lot = lot,
                                            .root_kind = bm_root_kind_word(skim.root),
                                            .names = (const uint8_t(*)[BM_HASH])ret_chip->names,
                                            .nnames = bm_leaf_skim_names(&skim, ret_chip->names) };
    return BM_OK;
}

static struct bm_bytes
evidence_of(const struct kept *k)
{
    return k->leaf->evidence.n > 0 || k->p == NULL ? k->leaf->evidence : bm_buf_bytes(&k->p->kept);
}

static enum bm_rc
identity_keep(const struct kept *k, struct bm_bytes renews, struct bm_fail *fail)
{
    char device[BM_MAX_NAME + 1], service[BM_MAX_NAME + 1], profile[BM_MAX_NAME + 1], order[BM_MAX_NAME + 1], lot[BM_MAX_NAME + 1],
        class[32], proven[512];
    uint8_t serial[BM_MAX_SERIAL];
    struct bm_store_identity identity = { .device = device,
                                          .service = service,
                                          .profile = profile,
                                          .order = order,
                                          .evidence_class = class,
                                          .proven = proven,
                                          .renews = renews,
                                          .evidence = evidence_of(k) };
    struct bm_unit_words words;
    struct chip chip;
    struct bm_skim cert;
    enum bm_rc rc;

    bm_view_copy(device, sizeof(device), k->event->device);
    bm_view_copy(service, sizeof(service), k->event->service);
    bm_view_copy(profile, sizeof(profile), k->event->profile);
    bm_view_copy(order, sizeof(order), k->event->order);
    bm_view_copy(lot, sizeof(lot), k->event->lot);
    bm_view_copy(class, sizeof(class), k->event->evidence_class);
    bm_view_copy(proven, sizeof(proven), k->event->proven);
    if ((rc = serial_parse(serial, &identity.serial, k->event->serial, fail)) != BM_OK ||
        (rc = chip_of(&chip, lot, identity.evidence, fail)) != BM_OK || (rc = bm_cert_skim(&cert, k->leaf->certificate, fail)) != BM_OK ||
        (rc = bm_unit_words(&words, k->r, order, identity.evidence, fail)) != BM_OK)
        return rc;
    identity.serial_number = words.serial;
    identity.station = words.station;
    identity.key = cert.key;
    identity.issued = k->event->time;
    identity.not_after = cert.not_after;
    identity.certificate = k->leaf->certificate;
    identity.chip = &chip.row;
    identity.leaf = k->leaf->index;
    return bm_store_identity_put(k->r->store, &identity, fail);
}

static enum bm_rc
support_used(const struct kept *k, const char *device, struct bm_fail *fail)
{
    uint8_t serial[BM_MAX_SERIAL];
    struct bm_bytes view = { 0 };
    enum bm_rc rc = serial_parse(serial, &view, k->event->serial, fail);

    return rc != BM_OK ? rc : bm_store_support_used(k->r->store, device, view, fail);
}

enum bm_rc
bm_keep_issued(const struct kept *k, struct bm_fail *fail)
{
    char device[BM_MAX_NAME + 1];
    enum bm_rc rc = identity_keep(k, bm_bytes(NULL, 0), fail);

    bm_view_copy(device, sizeof(device), k->event->device);
    if (rc == BM_OK && bm_bytes_equal(k->event->service, bm_bytes_str(BM_SERVICE_SUPPORT)))
        rc = support_used(k, device, fail);
    return rc != BM_OK ? rc : bm_units_twin(k->r, device, k->leaf->index, k->event->time, fail);
}

enum bm_rc
bm_keep_renewed(const struct kept *k, struct bm_fail *fail)
{
    uint8_t serial[BM_MAX_SERIAL];
    struct bm_bytes renews = { 0 };
    enum bm_rc rc = serial_parse(serial, &renews, k->event->replaces, fail);

    return rc != BM_OK ? rc : identity_keep(k, renews, fail);
}

/* A renewal that was not confirmed is renewed once more: both renew the same one. Whoever enrols anew ends what came before, too. */
enum bm_rc
bm_keep_replaced(const struct kept *k, struct bm_fail *fail)
{
    static const char reason[] = "replaced by a new key of the same chip";
    uint8_t serial[BM_MAX_SERIAL], earlier[BM_MAX_SERIAL];
    struct bm_bytes replaces = { 0 };
    struct bm_bundle bundle;
    size_t n = 0;
    bool again;
    enum bm_rc rc;

    if ((rc = serial_parse(serial, &replaces, k->event->replaces, fail)) != BM_OK ||
        (rc = bm_store_identity_renews(k->r->store, replaces, earlier, &n, fail)) != BM_OK ||
        (rc = state_set(k, k->event->replaces, "replaced", reason, fail)) != BM_OK ||
        (rc = bm_bundle_parse(&bundle, evidence_of(k), fail)) != BM_OK)
        return rc;
    again = bundle.part[BM_PART_RENEWAL].n > 0;
    if (!again && n > 0 && (rc = bm_store_identity_ended(k->r->store, bm_bytes(earlier, n), k->event->time, reason, fail)) != BM_OK)
        return rc;
    return identity_keep(k, bm_bytes(earlier, again ? n : 0), fail);
}

enum bm_rc
bm_keep_confirmed(const struct kept *k, struct bm_fail *fail)
{
    char until[BM_TIME_TEXT];
    uint8_t serial[BM_MAX_SERIAL];
    struct bm_bytes renewed = { 0 }, confirmed = { 0 };
    bm_time retires;
    enum bm_rc rc = state_set(k, k->event->serial, "active", NULL, fail);

    if (rc != BM_OK || bm_bytes_equal(k->event->service, bm_bytes_str(BM_SERVICE_SUPPORT)) || /* no move in its life */
        (rc = serial_parse(serial, &confirmed, k->event->serial, fail)) != BM_OK ||
        (rc = bm_life_confirmed(k->r, k->event, confirmed, k->leaf->index, fail)) != BM_OK || k->event->replaces.n == 0)
        return rc;
    bm_view_copy(until, sizeof(until), k->event->until);
    if ((rc = serial_parse(serial, &renewed, k->event->replaces, fail)) != BM_OK || (rc = bm_time_parse(&retires, until, fail)) != BM_OK)
        return rc;
    return bm_store_identity_renewed(k->r->store, renewed, retires, k->event->time, fail);
}

enum bm_rc
bm_keep_revoked(const struct kept *k, struct bm_fail *fail)
{
    char reason[256];

    bm_view_copy(reason, sizeof(reason), k->event->reason);
    return state_set(k, k->event->serial, "revoked", reason, fail);
}
