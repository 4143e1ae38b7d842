#!/bin/bash
# first_use.sh - the README's first real use, line by line as it stands there, and what must be true after it.
#
#   first_use.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 it went as the README says, 1 it did not, 77 there is no swtpm or no SoftHSM here
# shellcheck disable=SC1091,SC2129,SC2154,SC2164 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
PATH=${PATH#"$build:"}:/usr/sbin:/sbin # the README says where the programs are
unset BIRTHMARK_HOME
needs_roots tpm2 pkcs11 puf
tools swtpm swtpm_setup softhsm2-util tpm2_createek

finish_more() {
    "$source/tests/journey/virtual-hardware.sh" stop "$HOME/bench/chips" 2>/dev/null || :
}

port=
for try in $(shuf -i 20000-29999 -n 50); do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$try") 2>/dev/null; then port=$try && break; fi
done

# The code blocks of two of the README's sections, in order: 1 the first use, 2 custody of Microchip's reel.
block() { # N
    awk -v want="$1" '/^## / { in_section = /A first real use|Custody/ } in_section && /^```/ { open = !open; n += open; next } in_section && open && n == want' "$source/README.md" |
        sed "s|\$PWD/build|$build|; s|8443|$port|g; s|birthmark serve &|birthmark serve >serve.log 2>\&1 \& server=\$!; await|"
}

await() { # until the server serves
    local try
    for try in $(seq 200); do
        if grep -q '^birthmark serves' serve.log; then return 0; fi
        sleep 0.05
    done
    die "the server did not start (try $try): $(cat serve.log)"
}

# ---- the README ----

cd "$source"
block 1 >"$HOME/readme.sh"
[ "$(wc -l <"$HOME/readme.sh")" -ge 15 ] || die "the README has no such section any more"
# shellcheck disable=SC1091 # made above
. "$HOME/readme.sh" >"$HOME/readme.log" 2>&1 # set -e: the first line that fails ends it
expect 0 '^ledger: [0-9]+ leaves, .*: whole$' grep '^ledger: ' "$HOME/readme.log"

# ---- what must be true now, with the server running ----

expect 0 '"chip":"C-0001","lot":"EX-001","order":"first","profile":"gateway-1"' birthmark device list --json
expect 0 '"chip":"C-0002"' birthmark device list --json --lot EX-001
expect 0 '^\[\]$' birthmark device list --json --lot EX-009
expect 0 '"evidence":"tpm-activated"' birthmark identity list --json
expect 0 '"proven":"tpm-activated tpm-residency tpm-fixed"' birthmark identity list --json
expect 0 'proven tpm-activated tpm-residency tpm-fixed' birthmark ledger show --json
expect 0 '"proven":"root-signed"' birthmark device list --json
expect 0 '"evidence":"root-signed"' birthmark identity list --json
expect 0 '"left":0' birthmark order show first --json
expect 0 '"gates":[1-9]' birthmark site show --json
expect 3 'is in use' birthmark serve --listen "127.0.0.1:$port"
expect 1 'there is a site in .* already' birthmark init --name Again
expect 0 '^operational .*file:signer/operational.key' birthmark ca show
openssl verify -CAfile ~/works/root.pem -untrusted ~/works/ca/server.pem -verify_hostname localhost ~/works/gate/server.pem >/dev/null

# ---- refusals: one line, on record ----

cp EX-001.manifest forged.manifest
dd if=forged.manifest bs=1 skip=400 count=1 status=none | LC_ALL=C tr '\000-\377' '\001-\377\000' | dd of=forged.manifest bs=1 seek=400 conv=notrunc status=none
expect 1 '^refused: forged.manifest: .*Recorded as alarm [0-9]+\.$' birthmark lot receive forged.manifest --vendor "Example Silicon"
expect 1 '^refused: .*you expect 3.*Recorded as alarm' birthmark lot receive EX-001.manifest --vendor "Example Silicon" --expect 3
alarms=$(birthmark alarm list --json | grep -o '"alarm":' | wc -l)
expect 0 'received already: nothing was changed' birthmark lot receive EX-001.manifest --vendor "Example Silicon" --json
[ "$(birthmark alarm list --json | grep -o '"alarm":' | wc -l)" = "$alarms" ] || die "the same file again raised an alarm"
receipt=$(birthmark lot show EX-001 --json | grep -o '"receipt":"[^"]*"' | cut -d'"' -f4)
expect 0 '^check signature 1 PASSED 0$' cat "$receipt"
expect 0 "^file $(sha256sum <EX-001.manifest | cut -d' ' -f1)$" cat "$receipt"
[ "$(find ~/works/lots -type f ! -name '*.rsa' | wc -l)" = 3 ] || die "lots/ holds more than one lot, its index and its receipt: $(ls ~/works/lots)"
expect 1 'no vendor is known' birthmark lot receive EX-001.manifest --vendor Nobody
expect 1 'which is not pinned here.*Recorded as alarm' birthmark order open second --lot EX-009 --profile gateway-1 --quantity 1
expect 0 '"state":"settled"' birthmark alarm settle 1 --note "was a drill" --json
expect 0 '"state":"open"' birthmark alarm list --state open --json
serial=$(birthmark identity list --json | grep -o '"serial":"[0-9a-f]*"' | head -n 1 | cut -d'"' -f4)
device=$(birthmark identity list --json | grep -o '"device":"[0-9a-f]*"' | head -n 1 | cut -d'"' -f4)
expect 0 '"state":"revoked"' birthmark identity revoke "$serial" --reason keyCompromise --json
expect 0 '"leaf":[0-9]+' birthmark identity reissue "$device" mqtt --reason "a drill" --json
expect 0 '"identities":\[\{' birthmark device show "$device" --json
expect 0 '"state":"retired"' birthmark vendor retire "Example Silicon" --json
expect 1 'no vendor is known|retired' birthmark lot receive EX-001.manifest --vendor "Example Silicon"

# ---- the same without a server ----

unserve
expect 0 '"gates":0' birthmark site show --json
expect 0 '^ledger: .*: whole$' birthmark ledger verify
expect 0 '"proof":\[' birthmark ledger prove 3 --json
cp ~/works/trust.txt kept.txt
expect 0 'whole' birthmark ledger verify ~/works --trust kept.txt
sed -i 's/^ledger .*/ledger birthmark\/x+e6ec4f64+Aa9w6zNBY5JvxBCGVRDK1FXRFd3nEnAaYDjDWSpmLMdR/' kept.txt
expect 1 '^refused: ' birthmark ledger verify --trust kept.txt

# ---- Microchip's file, when it is here ----

if [ -e "$shared/data/microchip/ECC608C-TNGTLSU-B.json" ]; then
    cp "$shared"/data/microchip/* .
    block 2 >"$HOME/microchip.sh"
    # shellcheck disable=SC1091
    . "$HOME/microchip.sh" >"$HOME/microchip.log" 2>&1
    expect 0 '"vendor":"Microchip","chips":10,.*"state":"withdrawn"' birthmark lot list --json
else
    echo "skipped: Microchip's manifest is not here"
fi

# ---- CA keys in a token ----

softhsm2-util --init-token --free --label ca --so-pin 87654321 --pin 12345678 >/dev/null
printf 12345678 >pin && chmod 600 pin
export BIRTHMARK_HOME=~/token-works
expect 0 'pkcs11|token' birthmark init --name "Token Works" --token "pkcs11:token=ca?pin-source=$PWD/pin"
expect 0 '"key":"pkcs11:token=ca;object=birthmark-operational"' birthmark ca show --json
[ ! -e ~/token-works/signer/operational.key ] || die "a CA's key lies in a file in spite of the token"
expect 0 ': whole$' birthmark ledger verify
expect 1 'holds a key named' birthmark init --home ~/again --name Again --token "pkcs11:token=ca?pin-source=$PWD/pin"
[ -z "$(find ~ -maxdepth 1 -name 'again*')" ] || die "an init that failed left something behind"
echo "first_use: ok"
