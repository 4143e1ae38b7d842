#!/bin/bash
# tpm_templates.sh - TPMs whose root keys are TCG's IDevID and IAK by template, from the chipmaker's record to an identity that the IAK certified.
#
#   tpm_templates.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not, 77 there is no swtpm here
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
PATH=$PATH:/usr/sbin:/sbin
needs_roots tpm2
tools swtpm swtpm_setup tpm2_createek

finish_more() {
    "$source/tests/journey/virtual-hardware.sh" stop "$HOME/chips" 2>/dev/null || :
}

"$source/tests/journey/virtual-hardware.sh" start "$HOME/chips" --tpm 3 >chips.txt
uri() { # N
    sed -n "s/^tpm-0$1 //p" chips.txt
}
enrols() { # N SERVICE [OPTION...]
    local n=$1 service=$2
    shift 2
    birthmark-agent enrol --root "$(uri "$n")" --server "https://localhost:$port" --service "$service" --cacert "$BIRTHMARK_HOME/root.pem" "$@"
}

# ---- the chipmaker's: the template is named once, and kept in the TPM ----

for n in 1 2 3; do
    expect 0 '' birthmark chip create --root "$(uri $n);template=H-$n" --id "H-$n" -o "$n.der"
    expect 0 '"kind":"tpm",.*"proves":"root-signed"' birthmark chip show "$n.der" --json
    expect 0 '"use":"attest"' birthmark chip show "$n.der" --json
    expect 0 '' birthmark chip create --root "$(uri $n)" --id "H-$n" -o again.der
    cmp "$n.der" again.der || die "without the template's name the record is another"
done
expect 1 'has its root keys by template H-2' birthmark chip create --root "$(uri 2);template=H-3" --id x -o x.der
expect 1 'a TPM.s template is birthmark, H-1' birthmark chip create --root "$(uri 2);template=H-9" --id x -o x.der
maker silicon
birthmark lot sign 1.der 2.der 3.der --key silicon.key --vendor Silicon --lot T-1 -o T-1.manifest >setup.log

# ---- the OEM's ----

{
    birthmark init --name "Example Works" --url https://localhost:8443
    birthmark vendor add Silicon --signer silicon.pub
    birthmark lot receive T-1.manifest --vendor Silicon --expect 3
    birthmark order open first --lot T-1 --profile gateway-1 --quantity 3
} >>setup.log 2>&1
serve

# ---- the devices ----

for n in 1 2 3; do
    expect 0 '^enrolled: mqtt as ' enrols "$n" mqtt
    if grep -q warning <<<"$said"; then die "the identity was not confirmed over TLS: $said"; fi
done
same 'root-signed
root-signed
root-signed' field evidence birthmark identity list
expect 0 '"proven":"root-signed tpm-residency tpm-fixed"' birthmark identity list --json

# ---- a factory reset forgets identities, not which root keys the lot lists ----

expect 0 '^reset: ' birthmark-agent reset --factory --root "$(uri 3)" --yes -o erased.txt
grep -qE '^identity mqtt [0-9a-f]{64}$' erased.txt || die "the TPM's receipt is $(cat erased.txt)"
device=$(field device birthmark device list --chip H-3)
expect 0 'state +decommissioned' birthmark device decommission "$device" --receipt erased.txt --reason "end of life"
expect 0 "erased, by the device's word" field reason birthmark device show "$device"
expect 0 '' birthmark chip create --root "$(uri 3)" --id H-3 -o again.der
cmp 3.der again.der || die "a reset forgot the template"
unserve
expect 0 ': whole$' birthmark ledger verify
