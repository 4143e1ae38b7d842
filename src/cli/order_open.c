/* order_open.c - order open: how many units a line may make of which lots. */
#include "base/env.h"
#include "cli/lists.h"
#include "cli/operator.h"
#include "cli/order_opening.h"
#include "cli/places.h"
#include "cli/roles.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "pki/cert.h"
#include "pki/profile.h"

#include <stdlib.h>

void
bm_opening_done(struct bm_opening *opening)
{
    bm_order_done(&opening->order);
    for (size_t i = 0; i < BM_MAX_ORDER_PROFILES; i++)
        bm_buf_done(&opening->text[i]);
}

static enum bm_rc
lots_take(struct bm_order *order, struct bm_call *call, struct bm_fail *fail)
{
    const struct bm_values *lots = bm_call_values(call, "lot");
    enum bm_rc rc;

    if (lots->n > BM_MAX_ORDER_LOTS)
        return bm_usage(call, fail, "an order has at most %d lots", BM_MAX_ORDER_LOTS);
    if ((order->lots = calloc(lots->n, sizeof(*order->lots))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the order");
    for (size_t i = 0; i < lots->n; i++) {
        if ((rc = bm_call_name(call, "a lot's name", lots->v[i], fail)) != BM_OK)
            return rc;
        for (size_t j = 0; j < i; j++)
            if (strcmp(lots->v[j], lots->v[i]) == 0)
                return bm_usage(call, fail, "the lot %s is named twice", lots->v[i]);
        memcpy(order->lots[order->nlots++], lots->v[i], strlen(lots->v[i]) + 1);
    }
    return BM_OK;
}

enum bm_rc
bm_opening_profile(struct bm_opening *opening, struct bm_call *call, const struct bm_buf *text, struct bm_fail *fail)
{
    size_t i = opening->order.nprofiles;
    struct bm_profile profile;
    enum bm_rc rc;

    if (i == BM_MAX_ORDER_PROFILES)
        return bm_usage(call, fail, "an order has at most %d profiles", BM_MAX_ORDER_PROFILES);
    if ((rc = bm_profile_parse(&profile, bm_buf_bytes(text), fail)) != BM_OK)
        return rc;
    for (size_t j = 0; j < i; j++)
        if (strcmp(opening->order.profiles[j].name, profile.name) == 0)
            return bm_usage(call, fail, "the profile %s is named twice", profile.name);
    opening->text[i].max = BM_MAX_PROFILE;
    bm_buf_add_bytes(&opening->text[i], bm_buf_bytes(text));
    if ((rc = bm_buf_check(&opening->text[i], "the profile", fail)) != BM_OK)
        return rc;
    memcpy(opening->order.profiles[i].name, profile.name, sizeof(profile.name));
    memcpy(opening->order.profiles[i].digest, profile.digest, BM_HASH);
    opening->order.nprofiles++;
    return BM_OK;
}

static enum bm_rc
profile_take(struct bm_opening *opening, struct bm_call *call, const char *name, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_PROFILE };
    const struct bm_order_profile *taken;
    enum bm_rc rc;

    if ((rc = bm_call_name(call, "a profile's name", name, fail)) != BM_OK)
        return rc;
    if ((rc = bm_place_read(&text, call->home, BM_PLACE_PROFILE, name, fail)) != BM_OK)
        return rc == BM_EINPUT ? bm_fail(fail, rc, NULL, "there is no profile %s: see `birthmark profile list`", name) : rc;
    if ((rc = bm_opening_profile(opening, call, &text, fail)) != BM_OK) {
        if (rc == BM_EINPUT && strstr(fail->text, "is named twice") == NULL)
            bm_fail_prefix(fail, "profiles/%s.profile", name);
        return rc;
    }
    taken = &opening->order.profiles[opening->order.nprofiles - 1];
    if (strcmp(taken->name, name) != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "profiles/%s.profile calls itself %s: file and name must be the same", name, taken->name);
    return BM_OK;
}

/* Their names; the planner signs for their keys, as the list of operators has them (stations_find()). */
static enum bm_rc
stations_take(struct bm_order *order, struct bm_call *call, struct bm_fail *fail)
{
    const struct bm_values *stations = bm_call_values(call, "station");
    enum bm_rc rc;

    if (stations->n > BM_MAX_ORDER_STATIONS)
        return bm_usage(call, fail, "an order has at most %d stations", BM_MAX_ORDER_STATIONS);
    for (size_t i = 0; i < stations->n; i++) {
        if ((rc = bm_call_name(call, "a station's name", stations->v[i], fail)) != BM_OK)
            return rc;
        for (size_t j = 0; j < i; j++)
            if (strcmp(stations->v[j], stations->v[i]) == 0)
                return bm_usage(call, fail, "the station %s is named twice", stations->v[i]);
        (void)snprintf(order->stations[order->nstations++].name, sizeof(order->stations[0].name), "%s", stations->v[i]);
    }
    return BM_OK;
}

static enum bm_rc
stations_find(struct bm_order *order, struct bm_ask *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_roles_free) struct bm_roles *roles = NULL;
    enum bm_rc rc;

    if (order->nstations == 0)
        return BM_OK;
    if ((rc = bm_roles_read(&roles, ask, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < order->nstations; i++) {
        const struct bm_operator *one = NULL;

        for (size_t j = 0; j < roles->noperators && one == NULL; j++)
            if (roles->operators[j].role == BM_ROLE_STATION && strcmp(roles->operators[j].name, order->stations[i].name) == 0)
                one = &roles->operators[j];
        if (one == NULL)
            return bm_fail(fail, BM_EPOLICY, NULL, "there is no station %s: see `birthmark station enrol --help`", order->stations[i].name);
        bm_sha256(order->stations[i].key, bm_bytes(one->key.key, BM_NOTE_SPKI));
    }
    return BM_OK;
}

/* A day means its end; else a time to the second. */
static enum bm_rc
until_take(struct bm_order *order, struct bm_call *call, struct bm_fail *fail)
{
    const char *given = bm_call_option(call, "until");
    char text[BM_TIME_TEXT];
    struct bm_fail unused;
    enum bm_rc rc;

    if ((rc = bm_env_system.now(bm_env_system.ctx, &order->from, fail)) != BM_OK)
        return rc;
    order->until = BM_TIME_NEVER;
    if (given == NULL || strcmp(given, "never") == 0)
        return BM_OK;
    (void)snprintf(text, sizeof(text), strlen(given) == 10 ? "%.10sT23:59:59Z" : "%.20s", given);
    if ((strlen(given) != 10 && strlen(given) != 20) || bm_time_parse(&order->until, text, &unused) != BM_OK)
        return bm_usage(call, fail, "--until wants a day (2027-12-31) or a time in UTC (2027-12-31T12:00:00Z)");
    if (order->until < order->from)
        return bm_usage(call, fail, "--until %s has passed", given);
    return BM_OK;
}

/* Without a word one in twenty of each, and three at least. */
static enum bm_rc
limits_take(struct bm_order *order, struct bm_call *call, struct bm_fail *fail)
{
    uint64_t some = (order->quantity + 19) / 20;
    enum bm_rc rc = BM_OK;

    for (unsigned what = 0; what < BM_COUNTED__N && rc == BM_OK; what++)
        rc = bm_call_number(call, bm_counted_word((enum bm_counted)what), 0, 1000000000, some < 3 ? 3 : some, &order->limits.most[what],
                            fail);
    return rc;
}

static enum bm_rc
product_take(struct bm_order *order, struct bm_call *call, struct bm_fail *fail)
{
    const char *given = bm_call_option(call, "product");
    enum bm_rc rc;

    if (given == NULL)
        return BM_OK;
    if ((rc = bm_call_name(call, "a product's name", given, fail)) == BM_OK)
        memcpy(order->product, given, strlen(given) + 1);
    return rc;
}

enum bm_rc
bm_opening_take(struct bm_opening *opening, struct bm_call *call, struct bm_fail *fail)
{
    enum bm_rc rc;

    if ((rc = bm_call_name(call, "an order's name", call->words.v[0], fail)) != BM_OK)
        return rc;
    memcpy(opening->order.order, call->words.v[0], strlen(call->words.v[0]) + 1);
    if ((rc = bm_call_number(call, "quantity", 1, 1000000000, 0, &opening->order.quantity, fail)) != BM_OK ||
        (rc = limits_take(&opening->order, call, fail)) != BM_OK || (rc = lots_take(&opening->order, call, fail)) != BM_OK ||
        (rc = product_take(&opening->order, call, fail)) != BM_OK)
        return rc;
    return until_take(&opening->order, call, fail);
}

/* What only a site's own directory knows. */
static enum bm_rc
opening_take(struct bm_opening *opening, struct bm_call *call, struct bm_fail *fail)
{
    const struct bm_values *profiles = bm_call_values(call, "profile");
    enum bm_rc rc;

    if ((rc = bm_opening_take(opening, call, fail)) != BM_OK ||
        (rc = bm_call_number(call, "tls-front", 0, 1000000000, 0, &opening->order.tls_front, fail)) != BM_OK ||
        (rc = stations_take(&opening->order, call, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < profiles->n && rc == BM_OK; i++)
        rc = profile_take(opening, call, profiles->v[i], fail);
    return rc != BM_OK ? rc : bm_units_take(&opening->order, call, fail);
}

static enum bm_rc
open_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_opening_done) struct bm_opening opening = { .order = { .nlots = 0 } };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    struct bm_bytes profiles[BM_MAX_ORDER_PROFILES];
    enum bm_rc rc;

    if ((rc = opening_take(&opening, call, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = stations_find(&opening.order, &ask, fail)) != BM_OK || (rc = bm_desk_open(&desk, BM_ACT_ORDER, &ask, fail)) != BM_OK)
        return rc;
    bm_order_build(&text, &desk.head, &opening.order);
    for (size_t i = 0; i < opening.order.nprofiles; i++)
        profiles[i] = bm_buf_bytes(&opening.text[i]);
    if ((rc = bm_desk_send(&desk, &ask, &text, profiles, opening.order.nprofiles, NULL, NULL, fail)) != BM_OK)
        return rc;
    return bm_ask_show(&ask, "order", call->words.v[0], bm_object_row, call, fail);
}

const struct bm_verb bm_verb_order_open = {
    .words = "order open",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Let a line make so many units of these lots, with these profiles, and not one more.",
    .help =
        "A signed statement to the signer, which counts for itself. Each unit is one chip; its services are the profiles'.\n"
        "The profiles' texts are pinned as they are now: changing a file later changes no open order.\n\n"
        "What is done besides is counted too, each with a reason and under its own limit, by the signer: --reissues (a certificate once\n"
        "more, where a write broke), --scraps (chips of units that were made), --repairs (a unit gets another chip).\n\n"
        "--units names a file in CSV that says what each unit is to be: serial number, model, owner and more (docs/formats/units.md). "
        "A unit gets\n"
        "the row that names its chip, else the next; --serials counts instead, and then the file has one row, which is all units'.\n\n"
        "example: birthmark order open first --lot EX-001 --profile gateway-1 --quantity 12 --until 2027-12-31\n"
        "example: birthmark order open second --lot EX-001 --profile gateway-1 --quantity 100 --serials GW-%06d\n",
    .options = { { .name = "lot", .value = "LOT", .help = "received lots; one or more", .needed = true, .many = true },
                 { .name = "profile", .value = "PROFILE", .help = "of HOME/profiles; one or more", .needed = true, .many = true },
                 { .name = "quantity", .value = "N", .help = "units, not certificates", .needed = true },
                 { .name = "product",
                   .value = "NAME",
                   .help = "a CA that serves it issues (ca make --product), unless one serves the lot" },
                 { .name = "station", .value = "STATION", .help = "of `station list`: made there alone; default: anywhere", .many = true },
                 { .name = "units", .value = "FILE.csv", .help = "what each unit is to be, a row a unit" },
                 { .name = "serials", .value = "PATTERN", .help = "serial numbers as GW-%06d: the unit's place in the order" },
                 { .name = "reissues", .value = "N", .help = "re-issues that may be allowed; default: 5 in 100 units, 3 at least" },
                 { .name = "scraps", .value = "N", .help = "units whose chips may be scrapped; the same default" },
                 { .name = "repairs", .value = "N", .help = "repairs; the same default" },
                 { .name = "tls-front",
                   .value = "N",
                   .help = "certificates that EST simpleenroll may give, unseen by the signer; default: none" },
                 { .name = "until", .value = "DATE", .help = "2027-12-31 or 2027-12-31T12:00:00Z; default: no end" },
                 BM_OPTION_OPERATOR },
    .run = open_run,
};
