#!/bin/bash
# repair.sh - a device gets another chip by two persons' word, where the policy wants two: proposed by one nothing changes, approved by the other all does.
#
#   repair.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

birthmark init --name "Repair Works" --url https://localhost:8443 --operator anna >init.log 2>&1
maker maker olga petra
for n in 1 2 3 4; do chip "c$n" "C-$n"; done
{
    birthmark vendor add "Example Silicon" --signer maker.pub
    birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-001 c1.der c2.der -o EX-001.manifest
    birthmark lot sign --key maker.key --vendor "Example Silicon" --lot SPARE-1 c3.der c4.der -o SPARE-1.manifest
    birthmark lot receive EX-001.manifest --vendor "Example Silicon"
    birthmark lot receive SPARE-1.manifest --vendor "Example Silicon"
    birthmark order open first --lot EX-001 --profile bench-1 --quantity 2
    for who in olga:operator petra:planner; do
        birthmark operator add "${who%:*}" --role "${who#*:}" --key "${who%:*}.pub" --operator anna
        install -m 600 "${who%:*}.key" "works/operators/${who%:*}.key"
    done
} >>init.log 2>&1
proposed() { # COMMAND...: it waits for a second person; its number is in $number
    expect 1 '^proposed: proposal [0-9]+ waits: to give a device another chip takes two persons at this site' "$@"
    number=$(sed -n 's/^proposed: proposal \([0-9]*\) .*/\1/p' <<<"$said")
}
id_of() { field device birthmark device list --chip "$1"; }
root_of() { openssl pkey -in "$1.pem" -pubout -outform DER | sha256sum | cut -d' ' -f1; }
serve
for n in 1 2; do enrol "c$n.pem" >>init.log; done
device=$(id_of C-1)
expect 1 '^proposed: ' birthmark policy set repair --operator anna
expect 0 approved birthmark proposal approve 1 --operator olga

# ---- proposed: the device works on with the chip that it has ----

repair=(birthmark device repair "$device" --chip C-3 --lot SPARE-1 --reason "board replaced, ticket 91" --operator olga)
proposed "${repair[@]}"
first=$number
proposed "${repair[@]}" # asked twice, one question
[ "$number" = "$first" ] || die "the same repair was proposed twice, as $first and $number"
expect 0 "repair .*$device with chip $(root_of c3): board replaced, ticket 91" birthmark proposal list
proposed birthmark device repair "$device" --chip C-4 --lot SPARE-1 --reason "board replaced, ticket 91" --operator olga
[ "$number" != "$first" ] || die "another chip for the same reason is taken for the same repair"
expect 0 rejected birthmark proposal reject "$number" --reason "the other chip" --operator anna
expect 0 '^renewed: ' birthmark-agent renew --force --root "soft:$HOME/c1.pem" --server "https://localhost:$port" --cacert works/root.pem
expect 1 'no open order covers lot SPARE-1' enrol c3.pem
expect 1 'nobody approves their own' birthmark proposal approve "$first" --operator olga
expect 1 'petra is planner here and may not approve.*alarm' birthmark proposal approve "$first" --operator petra

# ---- approved: both chips, both persons and the reason are on record ----

expect 0 approved birthmark proposal approve "$first" --operator anna
expect 1 'approved already' birthmark proposal approve "$first" --operator anna
[ "$(id_of C-3) $(id_of C-1)" = "$device " ] || die "the device has not the new chip: $(birthmark device list)"
expect 1 'was taken out of its device' enrol c1.pem
expect 0 '^enrolled: mqtt ' enrol c3.pem
event=$(birthmark ledger show --json | grep -o '{[^{}]*"event":"[^"]*what repair[^"]*"' | tail -n 1)
for line in "device $device" "chip $(root_of c3)" "old-chip $(root_of c1)" "by olga" "second anna" "reason board replaced, ticket 91"; do
    grep -qF "\\n$line\\n" <<<"$event\\n" || die "the leaf lacks \"$line\": $event"
done

# ---- a proposal whose chip somebody used meanwhile is none ----

second=$(id_of C-2)
proposed birthmark device repair "$second" --chip C-4 --lot SPARE-1 --reason "flooded" --operator olga
flooded=$number
proposed birthmark device repair "$device" --chip C-4 --lot SPARE-1 --reason "flooded too" --operator olga
expect 0 approved birthmark proposal approve "$number" --operator anna
expect 1 "another device's, or may not be used" birthmark proposal approve "$flooded" --operator anna
expect 0 '"state":"onboarded"' birthmark device show "$second" --json
expect 0 'whole$' birthmark ledger verify
