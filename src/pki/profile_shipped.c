/* profile_shipped.c - the profiles that every site begins with (profile.h). */
#include "pki/profile.h"

#define HEAD(name, service) "birthmark/profile/v1\nname " name "\nversion 1\nservice " service "\n"
#define HARDWARE "evidence root-signed\nevidence tpm-activated\n"
#define CURVES "key P-256\nkey P-384\n"
#define CLIENT "eku clientAuth\n"

static const char *const shipped[] = {
    HEAD("gateway-1", "mqtt") "ca operational\ndays 90\n" HARDWARE CURVES CLIENT "hardware-module yes\n",
    /* the same, for development */
    HEAD("bench-1", "mqtt") "ca operational\ndays 90\n" HARDWARE "evidence software\n" CURVES CLIENT "hardware-module yes\n",
    /* IEEE 802.1AR: it never expires */
    HEAD("idevid", "idevid") "ca idevid\ndays never\n" HARDWARE CURVES "hardware-module yes\n",
    HEAD("mqtt-client", "mqtt") "ca operational\ndays 90\ngrace 14\n" HARDWARE CURVES CLIENT "hardware-module yes\n",
    HEAD("https-client", "https") "ca operational\ndays 90\ngrace 14\n" HARDWARE CURVES CLIENT "hardware-module yes\n",
    /* a device with a page of its own; the name's end is the site's to change. clientAuth: by which it confirms and renews here */
    HEAD("https-server", "web") "ca operational\ndays 90\ngrace 14\n" HARDWARE CURVES CLIENT "eku serverAuth\nhardware-module no\n"
                                "dns {device}.devices.example\n",
    /* what a device shows to the server that has its updates: it may be long offline, and must still get them */
    HEAD("code-update", "update") "ca operational\ndays 365\ngrace 365\n" HARDWARE CURVES CLIENT "hardware-module yes\n",
    /* the thing's name there is the common name */
    HEAD("aws-iot", "aws-iot") "ca operational\ndays 365\ngrace 30\n" HARDWARE CURVES "key RSA\n" CLIENT "hardware-module no\n",
    /* the registration id there is the common name */
    HEAD("azure-iot", "azure-iot") "ca operational\ndays 365\ngrace 30\n" HARDWARE CURVES "key RSA\n" CLIENT "hardware-module no\n",
    /* as a Device Attestation Certificate of Matter is made: its test vendor and product, at most 600 bytes */
    HEAD("matter-dac", "matter") "ca idevid\ndays never\n" HARDWARE "key P-256\nhardware-module no\nbasic-constraints yes\n"
                                 "common-name DAC {device}\nattribute 1.3.6.1.4.1.37244.2.1 FFF1\n"
                                 "attribute 1.3.6.1.4.1.37244.2.2 8000\nmax-certificate 600\n",
    /* for one repair, by an officer's word (bm_profile_is_support()): it ends with the hours that were said then, these at most */
    HEAD("support", BM_SERVICE_SUPPORT) "ca operational\ndays 3\n" HARDWARE CURVES CLIENT "hardware-module yes\n"
                                        "common-name support {device}\n",
};

const char *
bm_profile_builtin(size_t i)
{
    return i < BM_COUNT(shipped) ? shipped[i] : NULL;
}
