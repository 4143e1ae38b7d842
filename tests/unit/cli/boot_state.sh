#!/bin/bash
# boot_state.sh - a device's identity and its sealed data, bound to what it booted: refused under other firmware, back after a permitted update.
#
#   boot_state.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not, 77 there is no swtpm here
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
PATH=$PATH:/usr/sbin:/sbin
needs_roots tpm2
tools swtpm swtpm_setup tpm2_pcrextend
hardware=$source/tests/journey/virtual-hardware.sh

finish_more() {
    "$hardware" stop "$HOME/chips" 2>/dev/null || :
}

BIRTHMARK_ROOT=$("$hardware" start "$HOME/chips" --tpm 1 | cut -d ' ' -f 2)
export BIRTHMARK_ROOT TPM2TOOLS_TCTI="swtpm:host=127.0.0.1,port=${BIRTHMARK_ROOT##*port=}"

boots() { # WHAT: other firmware measures itself into PCR 7, and nothing of it can take that back
    tpm2_pcrextend "7:sha256=$(printf '%064d' "$1")"
}

permit() { # KEY FILE: as the firmware's maker does, from a machine that runs it; the man page has these lines
    local policy
    policy=$(birthmark-agent boot show --pcrs 0,7 | sed -n 's/^policy *//p')
    {
        echo birthmark/boot-permit/v1
        echo "policy $policy"
        echo "signature $({ tr a-f A-F <<<"$policy" | basenc -d --base16; printf 'birthmark boot v1'; } | openssl dgst -sha256 -sign "$1" | base64 -w 0)"
    } >"$2"
}

for key in update stranger; do
    p256 "$key.key"
    openssl pkey -in "$key.key" -pubout -out "$key.pub"
done

# ---- the chipmaker's and the OEM's ----

expect 0 '' birthmark chip create --root "$BIRTHMARK_ROOT" --id T-1 -o chip.der
maker silicon
birthmark lot sign chip.der --key silicon.key --vendor Silicon --lot T-LOT -o T-LOT.manifest >setup.log
{
    birthmark init --name "Example Works" --url https://localhost:8443
    birthmark vendor add Silicon --signer silicon.pub
    birthmark lot receive T-LOT.manifest --vendor Silicon --expect 1
    birthmark order open first --lot T-LOT --profile gateway-1 --quantity 1
} >>setup.log 2>&1
serve

# ---- the device ----

enrols() {
    birthmark-agent enrol --server "https://localhost:$port" --service mqtt --cacert "$BIRTHMARK_HOME/root.pem" "$@"
}
unseals() {
    birthmark-agent unseal disk
}

expect 2 'an update key wants --pcrs LIST too' enrols --update-key update.pub
expect 1 '^refused: PCRs are written as numbers' enrols --pcrs 7,0
boots 1
expect 0 '^enrolled: mqtt as ' enrols --pcrs 0,7 --update-key update.pub
if grep -q 'not confirmed' <<<"$said"; then die "the bound key did not speak TLS: $said"; fi
grep -q '^warning: PCR 0 holds nothing but zeros' <<<"$said" || die "nobody said that PCR 0 measures nothing: $said"
printf 'the key of the disk' | expect 0 '^sealed: disk$' birthmark-agent seal disk --pcrs 0,7 --update-key update.pub
same 'the key of the disk' unseals
expect 0 '^enrolled: ' enrols --pcrs 0,7 --update-key update.pub
expect 0 '"proven":"tpm-activated tpm-residency tpm-fixed policy-bound"' birthmark identity list --json
expect 1 '^refused: service mqtt has a key that is not bound so: enrol with a new key, or retire it first$' enrols --pcrs 0
expect 0 '^expires +mqtt +until .* days left, bound to PCRs 0,7$' birthmark-agent status
expect 0 '^sealed +disk, bound to PCRs 0,7$' birthmark-agent status
expect 0 '^device +serialNumber=.*, O=Example Works$' birthmark-agent status
expect 0 '"subject": "serialNumber=' birthmark-agent status --json

# other firmware: the key and the data are refused, in one sentence each, and the agent reports it
boots 2
refused='bound to \(PCRs 0,7\): boot that again, or install the update.s permit with birthmark-agent boot permit$'
expect 1 "^refused: this machine did not boot what the key of service mqtt is $refused" enrols
[ "$(wc -l <<<"$said")" = 1 ] || die "that was no one sentence: $said"
expect 1 "^refused: this machine did not boot what the sealed data disk is $refused" unseals
[ "$(wc -l <<<"$said")" = 1 ] || die "that was no one sentence: $said"
expect 0 '^expires +mqtt .*bound to PCRs 0,7: refused, this machine booted something else$' birthmark-agent status
expect 0 '^sealed +disk, bound to PCRs 0,7: refused, this machine booted something else$' birthmark-agent status
expect 0 '"usable": false' birthmark-agent status --json
expect 0 '^disk +0,7 +refused$' birthmark-agent sealed list

# a permit by another key is none
permit stranger.key stranger.permit
expect 1 '^refused: no update key that this device pins signed this boot permit: nothing was stored$' birthmark-agent boot permit stranger.permit
expect 1 "$refused" unseals

# the maker's is: both work again, and only under that firmware
permit update.key update.permit
expect 0 '^permitted: update.permit$' birthmark-agent boot permit update.permit
same 'the key of the disk' unseals
expect 0 '^enrolled: ' enrols
if grep -q 'not confirmed' <<<"$said"; then die "the bound key did not speak TLS: $said"; fi
expect 0 '^expires +mqtt .*, bound to PCRs 0,7$' birthmark-agent status
boots 3
expect 1 "$refused" unseals
expect 1 "$refused" enrols

# ---- the end: retired, reset ----

expect 0 '^retired: mqtt$' birthmark-agent identity retire --service mqtt
expect 1 '^refused: no live key for service mqtt$' birthmark-agent identity retire --service mqtt
expect 0 '^identities +0$' birthmark-agent status
keys=$(birthmark-agent status | grep '^root keys')
expect 2 'reset wants --factory' birthmark-agent reset
expect 2 'say that with --yes' birthmark-agent reset --factory
expect 0 '^disk ' birthmark-agent sealed list
expect 1 'no root key of this device signs texts, and it has no identity' birthmark-agent reset --factory --yes -o erased.txt
expect 0 '^disk ' birthmark-agent sealed list # and nothing is erased without it
expect 0 '^reset: ' birthmark-agent reset --factory --yes
expect 0 '^nothing is sealed' birthmark-agent sealed list
[ "$(birthmark-agent status | grep '^root keys')" = "$keys" ] || die "the root identity did not stay"

# ---- enrolled once more, it signs what it erases by the identity's key: its endorsement key signs no text ----

device=$(field device birthmark device list)
expect 0 '"leaf"' birthmark identity reissue "$device" mqtt --reason "reset" --json
expect 0 '^enrolled: ' enrols
expect 0 '^reset: ' birthmark-agent reset --factory --yes -o erased.txt
expect 0 'state +decommissioned' birthmark device decommission "$device" --receipt erased.txt --reason "end of life"
expect 0 "erased, by the device's word of .*: identities 1, sealed data 0" field reason birthmark device show "$device"
unserve
