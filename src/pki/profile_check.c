/* profile_check.c - what the lines of a profile say against each other, and against the device that has to hold its certificate (profile.h). */
#include "pki/key.h"
#include "pki/profile.h"

#define SHORT_HOURS (7 * 24) /* what lives no longer needs no revocation: it is over before a CRL would have reached everybody */
#define ROOT_TPM (1u << 1)
#define ROOT_SOFTWARE (1u << 4)
#define TPM_FACTS (BM_PROVEN_TPM_RESIDENCY | BM_PROVEN_TPM_FIXED | BM_PROVEN_POLICY_BOUND | BM_PROVEN_EK_CERTIFIED)

/* True: it contradicts itself so. */
static bool
no_evidence(const struct bm_profile *p)
{
    return p->evidence == 0;
}

static bool
no_key(const struct bm_profile *p)
{
    return p->keys == 0;
}

static bool
operational_for_ever(const struct bm_profile *p)
{
    return p->hours == 0 && p->ca != BM_CA_IDEVID;
}

static bool
grace_for_ever(const struct bm_profile *p)
{
    return p->hours == 0 && p->grace != 0;
}

static bool
idevid_eku(const struct bm_profile *p)
{
    return p->ca == BM_CA_IDEVID && (p->client_auth || p->server_auth);
}

static bool
idevid_unrevoked(const struct bm_profile *p)
{
    return p->revocation != BM_REVOCATION_CRL && p->ca == BM_CA_IDEVID;
}

/* req: RFC9608 1 for what is short-lived */
static bool
long_unrevoked(const struct bm_profile *p)
{
    return p->revocation == BM_REVOCATION_NONE && p->hours > SHORT_HOURS;
}

static bool
grace_longer(const struct bm_profile *p)
{
    return p->revocation == BM_REVOCATION_NONE && p->grace * 24 > p->hours;
}

static bool
activation_without_tpm(const struct bm_profile *p)
{
    return p->roots != 0 && (p->roots & ROOT_TPM) == 0 && (p->evidence & BM_EV_TPM_ACTIVATED) != 0;
}

static bool
facts_without_tpm(const struct bm_profile *p)
{
    return p->roots != 0 && (p->roots & ROOT_TPM) == 0 && (p->require & TPM_FACTS) != 0;
}

static bool
software_evidence_only(const struct bm_profile *p)
{
    return p->roots != 0 && (p->roots & ROOT_SOFTWARE) == 0 && (p->evidence & BM_EV_SOFTWARE) != 0;
}

static bool
software_root_only(const struct bm_profile *p)
{
    return (p->roots & ROOT_SOFTWARE) != 0 && (p->evidence & BM_EV_SOFTWARE) == 0;
}

static bool
server_unnamed(const struct bm_profile *p)
{
    return p->server_auth && p->ndns == 0;
}

static bool
same_for_all(const struct bm_profile *p)
{
    for (size_t i = 0; i < p->ndns; i++)
        if (!bm_pattern_unique(p->dns[i].pattern))
            return true;
    for (size_t i = 0; i < p->nuri; i++)
        if (!bm_pattern_unique(p->uri[i].pattern))
            return true;
    return false;
}

static bool
chain_smaller(const struct bm_profile *p)
{
    return p->max_chain != 0 && p->max_certificate != 0 && p->max_chain <= p->max_certificate;
}

/* The modulus of the smallest has 256 bytes. */
static bool
rsa_in_little(const struct bm_profile *p)
{
    return (p->keys & 1u << BM_KEY_RSA) != 0 && p->max_certificate != 0 && p->max_certificate < 512;
}

bool
bm_profile_is_support(const struct bm_profile *profile)
{
    return strcmp(profile->service, BM_SERVICE_SUPPORT) == 0;
}

/* It ends by itself, or is ended: nobody forgets it. */
static bool
support_lasts(const struct bm_profile *p)
{
    return bm_profile_is_support(p) && (p->ca != BM_CA_OPERATIONAL || p->hours == 0 || p->hours > BM_SUPPORT_HOURS || p->grace != 0 ||
                                        p->revocation == BM_REVOCATION_NONE);
}

static const struct {
    bool (*is)(const struct bm_profile *profile);
    const char *citation, *say;
} contradictions[] = {
    { no_evidence, NULL, "it takes no evidence: add a line \"evidence root-signed\" or \"evidence tpm-activated\"" },
    { no_key, NULL, "it takes no keys: add a line \"key P-256\"" },
    { operational_for_ever, NULL, "only \"ca idevid\" may have \"days never\"" },
    { grace_for_ever, NULL, "what never expires has no time of grace: take the line \"grace\" out" },
    { idevid_eku, "IEEE 802.1AR 8", "an IDevID has no extended key usage: take the eku lines out" },
    { idevid_unrevoked, NULL, "an IDevID never ends and points to no CRL and no OCSP responder: take the line \"revocation\" out" },
    { long_unrevoked, "RFC 9608 1", "\"revocation none\" is for what lives at most 7 days: shorten the lifetime, or take that line out" },
    { grace_longer, NULL, "its time of grace is longer than the certificate lives, and nobody can revoke it: shorten the line \"grace\"" },
    { activation_without_tpm, NULL, "only a TPM activates: add a line \"root tpm\", or take \"evidence tpm-activated\" out" },
    { facts_without_tpm, NULL, "it requires what only a TPM shows: add a line \"root tpm\", or take that line \"require\" out" },
    { software_evidence_only, NULL,
      "software evidence is of software roots: add a line \"root software\", or take \"evidence software\" out" },
    { software_root_only, NULL, "software roots give software evidence: add a line \"evidence software\", or take \"root software\" out" },
    { server_unnamed, "RFC 9525 3",
      "no client takes a server's certificate without its name: add a line \"dns {device}.devices.example\"" },
    { same_for_all, NULL, "a dns or uri line makes one name for all devices: put {device} or {chip} into it" },
    { chain_smaller, NULL, "the chain holds the certificate and its CA's: let max-chain be more than max-certificate" },
    { support_lasts, NULL,
      "the service support is for one repair: let it be \"ca operational\", of at most 72 hours, without grace and without \"revocation "
      "none\"" },
    { rsa_in_little, NULL, "no certificate of an RSA key is smaller than 512 bytes: take \"key RSA\" out, or raise max-certificate" },
};

enum bm_rc
bm_profile_check(const struct bm_profile *profile, struct bm_fail *fail)
{
    for (size_t i = 0; i < BM_COUNT(contradictions); i++)
        if (contradictions[i].is(profile))
            return bm_fail(fail, BM_EINPUT, contradictions[i].citation, "profile: %s", contradictions[i].say);
    return BM_OK;
}

enum bm_rc
bm_profile_fit(const struct bm_profile *profile, size_t certificate, size_t ca, struct bm_fail *fail)
{
    size_t chain = certificate + ca;

    if (profile->max_certificate != 0 && certificate > profile->max_certificate)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "a certificate of profile %s may have %u bytes and this one could have %zu, %zu too many: take a profile with fewer "
                       "names in it, or a target with more room",
                       profile->name, profile->max_certificate, certificate, certificate - profile->max_certificate);
    if (profile->max_chain != 0 && chain > profile->max_chain)
        return bm_fail(
            fail, BM_EPOLICY, NULL,
            "a chain of profile %s may have %u bytes and this one could have %zu with its CA's certificate, %zu too many: take a "
            "profile with fewer names in it, or a target with more room",
            profile->name, profile->max_chain, chain, chain - profile->max_chain);
    return BM_OK;
}
