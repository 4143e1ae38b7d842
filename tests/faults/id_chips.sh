#!/bin/bash
# id_chips.sh - a list without keys, from the file to the certificate: the first root key shown for an id is the chip's, and a copy's comes too late.
#
#   id_chips.sh BUILD-DIRECTORY ID-CHIPS
#
# exit: 0 as it should be, 1 not
# shellcheck disable=SC1091,SC2154 # from there: $build, $work, $home, $server, $port, $said, $passed
set -euo pipefail
here=$(dirname "$0")
. "$here/lib.sh" id-chips "$1"
maker=$2

enrol_as() { # CHIP ...
    local chip=$1
    shift
    "$build/birthmark-agent" enrol --root "soft:$work/$chip.pem" --server "https://localhost:$port" --service mqtt --cacert "$home/root.pem" "$@"
}

"$maker" "$work"
birthmark init --name "Id Works" --url https://localhost:8443 >/dev/null
expect 0 "" birthmark vendor add Chips --signer "$work/signer.pem" --root "$work/root.pem" --format microchip
expect 0 '~.*' birthmark lot receive "$work/chips.json" --vendor Chips --lot EXAMPLE1-IDS --expect 2
expect 0 '~.*' birthmark order open o-1 --lot EXAMPLE1-IDS --profile gateway-1 --quantity 2
server_start

expect 0 '~.*' enrol_as one
expect 1 '~by another root key' enrol_as copy
expect 1 '~this chip is in no received lot' enrol_as stranger
[ "$(birthmark identity list --json | grep -o '"evidence":"root-signed"' | wc -l)" = 1 ] || die "not one identity: $(birthmark identity list --json)"
birthmark device list --json | grep -q '"chip":"0123abcd00","lot":"EXAMPLE1-IDS"' || die "the device is not the chip's: $(birthmark device list --json)"
birthmark alarm list --json | grep -q '"kind":"clone"' || die "no alarm for the copy: $(birthmark alarm list --json)"
ok "one identity, and an alarm for the copy"

# the same after signer and registrar woke again; and a store that is behind gets the second chip's identity back by replay, from its evidence
server_stop
cp -r "$home/store" "$work/store.before"
server_start
expect 1 '~by another root key' enrol_as copy
expect 0 '~.*' enrol_as one # the same key again: the same certificate
expect 0 '~.*' enrol_as two
server_stop
rm -rf "$home/store"
mv "$work/store.before" "$home/store"
birthmark site recover --reason 'the store from before' >/dev/null
server_start
birthmark device list --json | grep -q '"chip":"0123abcd01","lot":"EXAMPLE1-IDS"' || die "the replay lost a device: $(birthmark device list --json)"
expect 1 '~by another root key' enrol_as copy
birthmark ledger verify | grep -q ': whole$' || die "the ledger is not whole"
ok "and after a restart and a replay"
echo "id_chips: $passed passed"
