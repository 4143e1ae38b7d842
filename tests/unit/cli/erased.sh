#!/bin/bash
# erased.sh - what a device erased stands in the record on its own signed word, or not at all: a receipt of another device or of an earlier reset is none.
#
#   erased.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

birthmark init --name "End Works" --url https://localhost:8443 >init.log 2>&1
maker maker
for n in 1 2 3; do chip "c$n" "C-$n"; done
{
    birthmark vendor add "Example Silicon" --signer maker.pub
    birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-001 c1.der c2.der c3.der -o EX-001.manifest
    birthmark lot receive EX-001.manifest --vendor "Example Silicon"
    birthmark order open first --lot EX-001 --profile bench-1 --quantity 3
} >>init.log 2>&1
serve
for n in 1 2 3; do enrol "c$n.pem" >>init.log; done
id_of() { field device birthmark device list --chip "$1"; }
first=$(id_of C-1) second=$(id_of C-2) third=$(id_of C-3)
erase() { birthmark-agent reset --factory --yes --root "soft:$HOME/$1.pem" -o "$2"; }

# ---- the device's word ----

printf 'a key for the disk' | birthmark-agent seal disk --root "soft:$HOME/c1.pem" >>init.log
key=$(openssl pkey -in c1.pem.d/live/mqtt.key -pubout -outform DER 2>/dev/null | sha256sum | cut -d' ' -f1 || :)
expect 0 '^reset: ' erase c1 erased.txt
[ "$(sed -n 1p erased.txt)" = birthmark/erased/v1 ] || die "the receipt is $(cat erased.txt)"
grep -qE '^identity mqtt [0-9a-f]{64}$' erased.txt || die "the receipt is $(cat erased.txt)"
if [ -s c1.pem.d/live/mqtt.key ]; then grep -qF "$key" erased.txt || die "another key"; fi
grep -qx 'sealed 1' erased.txt || die "the receipt is $(cat erased.txt)"
expect 0 '^no identities yet' birthmark-agent identity list --root "soft:$HOME/c1.pem"

# ---- whose it is, and that it is of this reset ----

expect 1 'signed by no key of this device|does not name the key' birthmark device decommission "$second" --receipt erased.txt --reason "end of life"
sed 's/^sealed 1/sealed 9/' erased.txt >altered.txt
expect 1 'did not sign it' birthmark device decommission "$first" --receipt altered.txt --reason "end of life"
expect 1 'line 1' birthmark device decommission "$first" --receipt init.log --reason "end of life"
expect 1 'not there' birthmark device decommission "$first" --receipt nothing.txt --reason "end of life"
[ "$(field state birthmark device list --chip C-1)" = onboarded ] || die "a receipt that was refused ended the device"
expect 0 'state +decommissioned' birthmark device decommission "$first" --receipt erased.txt --reason "end of life"
expect 0 "end of life; erased, by the device's word of 20[^ ]*: identities 1, sealed data 1" field reason birthmark device show "$first"
expect 0 "evidence $(sha256sum erased.txt | cut -d' ' -f1)" birthmark ledger show --json

# a receipt of a reset after which it was enrolled again
expect 0 '^reset: ' erase c2 early.txt
birthmark identity reissue "$second" mqtt --reason "reset" >>init.log
enrol c2.pem >>init.log
expect 1 'does not name the key that the device has for service mqtt' birthmark device decommission "$second" --receipt early.txt --reason "end of life"
expect 0 '^reset: ' erase c2 late.txt
expect 0 'state +decommissioned' birthmark device decommission "$second" --receipt late.txt --reason "end of life"

# ---- without it ----

expect 0 'state +decommissioned' birthmark device decommission "$third" --reason "lost at sea"
expect 0 'lost at sea; erased: no word of the device' field reason birthmark device show "$third"
expect 0 'whole$' birthmark ledger verify

# ---- the store is made again, receipts with it ----

for device in "$first" "$second" "$third"; do birthmark device show "$device" --json; done >before
unserve
rm -f works/store/*
birthmark site recover --reason "the store was lost" >>init.log
for device in "$first" "$second" "$third"; do birthmark device show "$device" --json; done >after
cmp before after || die "the store that was made again is another: $(diff before after)"
