#!/bin/bash
# puf.sh - a chip whose root is a simulated PUF, from the chipmaker's record to an identity under a production profile; cold, old, noisy, swapped, tampered with.
#
#   puf.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
needs_roots puf
unset BM_PUF_CELSIUS BM_PUF_YEARS BM_PUF_NOISE BM_PUF_FIRMWARE

device() { # SEED VERB [OPTION...]: the agent on the device with that chip, whose helper data is SEED.puf
    local seed=$1
    shift
    birthmark-agent "$@" --root "puf:sim:$seed:$HOME/$seed.puf"
}
enrols() { # SEED [OPTION...]
    local seed=$1
    shift
    device "$seed" enrol --server "https://localhost:$port" --service mqtt --cacert "$BIRTHMARK_HOME/root.pem" "$@"
}

serial() {
    device one identity list --json | sed -n 's/.*"serial": "\(.*\)".*/\1/p'
}

# ---- the chipmaker's: two chips of a lot, one of none ----

for seed in one two stray; do
    expect 0 '' birthmark chip create --root "puf:sim:$seed:$HOME/$seed.puf" --id "P-$seed" -o "$seed.der"
done
expect 0 '"id":"P-one","kind":"puf",.*"proves":"root-signed"' birthmark chip show one.der --json
cp one.puf kept
expect 0 '' birthmark chip create --root "puf:sim:one:$HOME/one.puf" --id P-one -o again.der
cmp one.der again.der || die "a second record of the same chip differs"
cmp one.puf kept || die "helper data was made twice"
BM_PUF_FIRMWARE=$(printf '%064d:%064d' 1 2) expect 0 '' birthmark chip create --root "puf:sim:one:$HOME/one.puf" --id P-one -o again.der
cmp one.der again.der || die "firmware moved the key that the lot lists"

maker silicon
birthmark lot sign one.der two.der --key silicon.key --vendor Silicon --lot PUF-1 -o PUF-1.manifest >setup.log

# ---- the OEM's: a production profile, which takes no keys in software ----

{
    birthmark init --name "Example Works" --url https://localhost:8443
    birthmark vendor add Silicon --signer silicon.pub
    birthmark lot receive PUF-1.manifest --vendor Silicon --expect 2
    sed 's/^name .*/name measured/; s/^service .*/service boot/; s/^key P-256/require dice\nkey P-256/' "$BIRTHMARK_HOME/profiles/gateway-1.profile" \
        >measured.profile
    birthmark profile activate measured.profile
    birthmark order open first --lot PUF-1 --profile gateway-1 --profile measured --quantity 2
} >>setup.log 2>&1
serve

# ---- the device ----

expect 0 '^root +puf \(simulated SRAM PUF\)$' device one status
expect 0 '^enrolled: mqtt as ' enrols one
if grep -q warning <<<"$said"; then die "the identity was not confirmed over TLS: $said"; fi
serial=$(serial)
[ -n "$serial" ] || die "the identity has no serial number"
expect 0 '"root": "puf", *$' device one status --json
expect 0 '"identities": 1' device one status --json
BM_PUF_FIRMWARE=$(printf '%064d:%064d' 1 2) expect 0 '^DeviceID +[0-9a-f]{64} on first code 0{63}1$' device one status
BM_PUF_FIRMWARE=$(printf '%064d:%064d' 1 2) expect 0 '"code": "0{63}2"' device one status --json
if grep -rq 'PRIVATE KEY' one.puf one.puf.d; then die "a private key lies in a file"; fi

# in the cold, after twenty years, with other firmware: the same chip, so the same certificate
BM_PUF_CELSIUS=-40 BM_PUF_YEARS=20 BM_PUF_FIRMWARE=$(printf '%064d:%064d' 3 4) expect 0 '^enrolled: ' enrols one
[ "$(serial)" = "$serial" ] || die "the same key got another certificate"

# too noisy: later. Another chip's helper data, or some that was altered: never; and nothing is lost
BM_PUF_NOISE=10 expect 3 '^birthmark-agent: .*one.puf: the PUF started too noisily 8 times: let the device come to room temperature' enrols one
cp one.puf two.puf
expect 1 '^refused: .*two.puf: the helper data is another chip.s: use the file that was made with this chip$' enrols two
printf 'x' | dd of=one.puf bs=1 seek=1100 conv=notrunc status=none
expect 1 '^refused: .*one.puf: the helper data was altered: put back the file that was made with this chip$' enrols one
head -c 500 kept >one.puf
expect 1 '^refused: .*one.puf: this is no helper data of a PUF, or not all of it' enrols one
cp kept one.puf
expect 0 '^enrolled: ' enrols one
[ "$(serial)" = "$serial" ] || die "the same key got another certificate"

# a profile that wants the measured code: said where it is missing, and in the leaf where it is there
measured() { # SEED
    device "$1" enrol --server "https://localhost:$port" --service boot --cacert "$BIRTHMARK_HOME/root.pem"
}
expect 1 'profile measured requires evidence of dice, which this chip did not give' measured one
BM_PUF_FIRMWARE=$(printf '%064d:%064d' 5 6) expect 0 '^enrolled: ' measured one
expect 0 '"proven":"root-signed dice"' birthmark identity list --json
expect 0 'measured-first 0{63}5.*measured-code 0{63}6' birthmark ledger show --json

# a chip that is in no lot
expect 1 '^refused: .*no received lot' enrols stray
unserve
