#include "base/base.h"
#include "signer/profiles.h"

#include "pki/profile.h"

#include <stdlib.h>

void
bm_profiles_done(struct bm_profiles *profiles)
{
    free(profiles->active);
    *profiles = (struct bm_profiles){ .n = 0 };
}

/* Every signer knows the shipped ones: version 1 of their names, until another is activated. */
static bool
shipped_find(struct bm_active *ret, const char *name)
{
    struct bm_profile profile;
    struct bm_fail ignored;
    const char *text;

    for (size_t i = 0; (text = bm_profile_builtin(i)) != NULL; i++)
        if (bm_profile_parse(&profile, bm_bytes_str(text), &ignored) == BM_OK && strcmp(profile.name, name) == 0) {
            ret->version = profile.version;
            memcpy(ret->digest, profile.digest, BM_HASH);
            return true;
        }
    return false;
}

static struct bm_active *
active_at(const struct bm_profiles *profiles, const char *name)
{
    for (size_t i = 0; i < profiles->n; i++)
        if (strcmp(profiles->active[i].name, name) == 0)
            return &profiles->active[i];
    return NULL;
}

static bool
active_find(struct bm_active *ret, const struct bm_profiles *profiles, const char *name)
{
    const struct bm_active *active = active_at(profiles, name);

    if (active == NULL)
        return shipped_find(ret, name);
    *ret = *active;
    return true;
}

enum bm_rc
bm_profiles_check(const struct bm_profiles *profiles, const struct bm_activation *activation, struct bm_rd behind, struct bm_fail *fail)
{
    const char *name = activation->profile.name;
    struct bm_active active = { .version = 0 };
    struct bm_profile profile;
    size_t n = bm_rd_u8(&behind);
    struct bm_bytes text = bm_rd_lv16(&behind, BM_MAX_PROFILE);
    enum bm_rc rc;

    if (n != 1 || !bm_rd_end(&behind))
        return bm_fail(fail, BM_EINPUT, NULL, "an activation comes with the one profile that it is of");
    if ((rc = bm_profile_parse(&profile, text, fail)) != BM_OK)
        return rc;
    if (memcmp(profile.digest, activation->profile.digest, BM_HASH) != 0 || strcmp(profile.name, name) != 0 ||
        profile.version != activation->version)
        return bm_fail(fail, BM_EPOLICY, NULL, "the text of profile %s is not the one that was signed for: activate it again as it is now",
                       name);
    if (active_find(&active, profiles, name) && activation->version <= active.version)
        return bm_fail(fail, BM_EPOLICY, NULL, "version %llu of profile %s is active already: give the changed text a higher version",
                       (unsigned long long)active.version, name);
    return BM_OK;
}

enum bm_rc
bm_profiles_put(struct bm_profiles *profiles, const struct bm_activation *activation, struct bm_fail *fail)
{
    struct bm_active *active = active_at(profiles, activation->profile.name);

    if (active == NULL) {
        if ((active = reallocarray(profiles->active, profiles->n + 1, sizeof(*active))) == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another profile");
        profiles->active = active;
        active += profiles->n++;
        memcpy(active->name, activation->profile.name, sizeof(active->name));
    }
    active->version = activation->version;
    memcpy(active->digest, activation->profile.digest, BM_HASH);
    return BM_OK;
}

enum bm_rc
bm_profiles_active(const struct bm_profiles *profiles, const struct bm_order *order, struct bm_fail *fail)
{
    for (size_t i = 0; i < order->nprofiles; i++) {
        const char *name = order->profiles[i].name;
        struct bm_active active = { .version = 0 };

        if (!active_find(&active, profiles, name))
            return bm_fail(fail, BM_EPOLICY, NULL, "no version of profile %s is active: let an officer say `birthmark profile activate`",
                           name);
        if (memcmp(active.digest, order->profiles[i].digest, BM_HASH) != 0)
            return bm_fail(
                fail, BM_EPOLICY, NULL,
                "of profile %s version %llu is active, and the order names another text: let an officer activate that, or take the "
                "active one",
                name, (unsigned long long)active.version);
    }
    return BM_OK;
}
