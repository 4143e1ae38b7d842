#!/bin/bash
# support.sh - an identity for one device and one repair: an officer opens it, the device gets it once, an operator closes it, and no order counts it.
#
#   support.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
needs_roots puf
unset BM_PUF_CELSIUS BM_PUF_YEARS BM_PUF_NOISE BM_PUF_FIRMWARE

birthmark init --name "Support Works" --url https://localhost:8443 --operator anna >init.log 2>&1
maker maker olga
for n in 1 2; do birthmark chip create --root "puf:sim:chip-$n:$HOME/p$n.puf" --id "P-$n" -o "p$n.der"; done >>init.log
{
    birthmark vendor add "Example Silicon" --signer maker.pub
    birthmark lot sign --key maker.key --vendor "Example Silicon" --lot PUF-1 p1.der p2.der -o PUF-1.manifest
    birthmark lot receive PUF-1.manifest --vendor "Example Silicon" --operator anna
    birthmark operator add olga --role operator --key olga.pub --operator anna
    install -m 600 olga.key works/operators/olga.key
} >>init.log 2>&1
agent() { # N VERB [OPTION...]
    local root="puf:sim:chip-$1:$HOME/p$1.puf" verb=$2
    shift 2
    birthmark-agent "$verb" --root "$root" --server "https://localhost:$port" --cacert "$HOME/works/root.pem" "$@"
}
states() { field state birthmark device support list "$1" | tr '\n' ' '; }
listed() { # SERIAL: is it on the list that everybody reads?
    local list
    curl -sSf --cacert works/root.pem "https://localhost:$port/crl/operational.txt" >lists
    while read -r list; do
        curl -sSf --cacert works/root.pem --connect-to "localhost:8443:localhost:$port" "$list" | openssl crl -noout -text
    done <lists | grep -i "$1" >/dev/null
}
expect 1 'profile support is for the support of one device' birthmark order open none --lot PUF-1 --profile support --quantity 1 --operator anna
expect 0 first birthmark order open first --lot PUF-1 --profile mqtt-client --quantity 2 --operator anna
serve
for n in 1 2; do agent $n enrol --service mqtt >>init.log; done
device=$(field device birthmark device list --chip P-1)
open=(birthmark device support open "$device" --ticket T-91 --reason "main board, on site")

# ---- nothing without an officer's word ----

expect 1 'no support was opened for this device.*Recorded as alarm' agent 1 enrol --service support
expect 0 '^no support was opened$' birthmark device support list
expect 1 'olga is operator here and may not.*alarm' "${open[@]}" --operator olga
expect 2 'a number from 1 to 72' "${open[@]}" --hours 73 --operator anna
expect 2 '--ticket must be' birthmark device support open "$device" --ticket 'T 91' --reason x --operator anna
expect 1 'of the service support' "${open[@]}" --profile mqtt-client --operator anna
expect 1 'was never opened' birthmark device support close "$device" --reason x --operator olga

# ---- opened, issued once, shown wherever the device is ----

expect 0 'support +open' "${open[@]}" --hours 4 --operator anna
expect 1 'is open for ticket T-91' "${open[@]}" --operator anna
expect 0 "$device\".*\"support\":\"open\"" birthmark device list --support open --json
[ "$(states "$device")" = 'open ' ] || die "it is $(states "$device")"
expect 1 'no support was opened' agent 2 enrol --service support # for one device, and no other
expect 0 "^enrolled: support as .*CN=support $device" agent 1 enrol --service support
[ "$(states "$device")" = 'used ' ] || die "it is $(states "$device")"
cert=$HOME/p1.puf.d/live/support.pem
if ! openssl x509 -in "$cert" -noout -checkend $((3 * 3600)) >/dev/null || openssl x509 -in "$cert" -noout -checkend $((4 * 3600 + 5)) >/dev/null; then
    die "it does not end with the four hours: $(openssl x509 -in "$cert" -noout -enddate)"
fi
openssl verify -CAfile works/root.pem -untrusted "$cert" -purpose sslclient "$cert" >verify.log 2>&1 || die "$(cat verify.log)"
openssl x509 -in "$cert" -noout -text | grep -q 'CRL Distribution Points' || die "nobody could hear that it was revoked"
expect 1 'was used already' agent 1 enrol --service support --new-key
expect 1 'never renewed' agent 1 renew --service support --force
expect 0 'renewed: mqtt' agent 1 renew --force # all that it has, but what is for a repair
if grep -q support <<<"$said"; then die "support is renewed with the others: $said"; fi
expect 0 'support .*active' birthmark identity list "$device"
same 2 field used birthmark order show first
[ "$(field state birthmark device list --chip P-1)" = active ] || die "a repair is a move in its life: $(birthmark device show "$device")"
show=$(birthmark device show "$device" | plain cat)
grep -qE '^T-91 +used +TIME +anna +main board, on site' <<<"$show" || die "device show lacks it: $show"
[ "$(wc -l <<<"$show")" -le 24 ] || die "it does not fit on a screen: $show"

# ---- closed before its time; opened again it is another one ----

serial=$(openssl x509 -in "$cert" -noout -serial | cut -d= -f2)
if listed "$serial"; then die "it is revoked while it is open"; fi
expect 0 'support +closed' birthmark device support close "$device" --reason "repaired" --operator olga
listed "$serial" || die "closed, it is on no list"
expect 0 'support .*revoked' birthmark identity list "$device"
expect 1 'is over' agent 1 enrol --service support --new-key
expect 1 'never issued again' birthmark identity reissue "$device" support --reason x --operator anna
expect 0 "$device" birthmark device list --support closed
expect 0 'support +open' birthmark device support open "$device" --ticket T-92 --reason "the board again" --operator anna
expect 0 '^enrolled: support ' agent 1 enrol --service support --new-key
[ "$(states "$device")" = 'closed used ' ] || die "they are $(states "$device")"
if listed "$(openssl x509 -in "$cert" -noout -serial | cut -d= -f2)"; then die "the second one ended with the first"; fi

# ---- two persons, where the policy says so ----

maker oskar
expect 0 'oskar +officer' birthmark operator add oskar --role officer --key oskar.pub --operator anna
install -m 600 oskar.key works/operators/oskar.key
expect 1 '^proposed: ' birthmark policy set support --operator anna
expect 0 approved birthmark proposal approve 1 --operator olga
second=$(field device birthmark device list --chip P-2)
expect 1 '^proposed: proposal 2 waits: to open support for a device takes two persons' \
    birthmark device support open "$second" --ticket T-93 --reason "no light" --operator anna
expect 0 "support .*$second T-93 for 8 hours by profile support: no light" birthmark proposal list
expect 1 'no support was opened' agent 2 enrol --service support
expect 1 'olga is operator here and may not approve' birthmark proposal approve 2 --operator olga
expect 0 approved birthmark proposal approve 2 --operator oskar
expect 0 '^enrolled: support ' agent 2 enrol --service support
expect 0 'kind support-opened.*by anna.nsecond oskar' birthmark ledger show --json

# ---- decommissioned, nothing of it is left; the store is made again ----

expect 0 'state +decommissioned' birthmark device decommission "$second" --reason "no light" --operator olga
[ "$(states "$second")" = 'closed ' ] || die "it is $(states "$second")"
expect 0 'whole$' birthmark ledger verify
birthmark device support list --json >before
unserve
rm -f works/store/*
birthmark site recover --reason "the store was lost" --operator anna >>init.log
birthmark device support list --json >after
cmp before after || die "the store that was made again is another: $(diff before after)"
