#!/bin/bash
# policy.sh - where a site's policy wants two persons, no one person pins a lot, opens or raises an order, or says who the persons are; two do.
#
#   policy.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2016,SC2154 # from there: $source, $build, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

person() { # NAME ROLE BY: an operator with a key of their own making, by hand of another
    maker "$1"
    expect "${4:-0}" "${5:-$1 +$2}" birthmark operator add "$1" --role "$2" --key "$1.pub" --operator "$3"
    install -m 600 "$1.key" "works/operators/$1.key"
}
proposed() { # COMMAND...: it waits for a second person; its number is in $number
    expect 1 '^proposed: proposal [0-9]+ waits: to .* takes two persons at this site' "$@"
    number=$(sed -n 's/^proposed: proposal \([0-9]*\) .*/\1/p' <<<"$said")
}

birthmark init --name "Example Works" --url https://localhost:8443 --operator anna >init.log 2>&1 || die "init: $(cat init.log)"
for n in 1 2 3; do chip chip$n C-000$n; done
maker maker
{
    birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-001 chip[12].der -o EX-001.manifest
    birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-002 chip3.der -o EX-002.manifest
    birthmark vendor add "Example Silicon" --signer maker.pub
} >>init.log

# one person: it works, and says so; a policy that nobody could keep is none
expect 0 'authority +one person: nobody else sees' birthmark site show
expect 0 'two_persons +waive release$' birthmark policy show
expect 1 'fewer than two of these operators may' birthmark policy set order --operator anna
expect 2 'is no act' birthmark policy set everything --operator anna
expect 2 'only takes away' birthmark policy set revoke --operator anna

# three persons, and a policy: now it takes two of them to change it
person carl custodian anna
person petra planner anna
person olga officer anna
expect 0 'two_persons +waive release policy ca$' birthmark policy show
proposed birthmark policy set pin order raise --operator anna
expect 1 'carl is custodian here and may not approve|nobody approves' birthmark proposal approve "$number" --operator anna
expect 0 'approved' birthmark proposal approve "$number" --operator carl
expect 0 'two_persons +pin waive release order raise roles policy ca$' birthmark policy show
expect 0 'two persons, for the acts of its policy' birthmark site show
expect 1 'proposal 1 is approved already' birthmark proposal approve 1 --operator petra # an approval is used once

# a lot: proposed by one, pinned by two, from where the first one left it
receive=(birthmark lot receive EX-001.manifest --vendor "Example Silicon" --operator carl)
proposed "${receive[@]}"
expect 0 '^no lots' birthmark lot list
expect 1 "proposal $number to receive lot EX-001 waits already" "${receive[@]}"
expect 1 'petra is planner here and may not approve.*alarm' birthmark proposal approve "$number" --operator petra
expect 0 '^no lots' birthmark lot list
expect 0 'approved' birthmark proposal approve "$number" --operator anna
expect 0 'EX-001 .*pinned' birthmark lot list
expect 0 'nothing was changed|received before' "${receive[@]}"

# rejected: as if nothing had been, and it can be proposed again
proposed birthmark lot receive EX-002.manifest --vendor "Example Silicon" --operator carl
expect 0 'rejected' birthmark proposal reject "$number" --reason "wrong reel" --operator anna
expect 1 "proposal $number is rejected already" birthmark proposal approve "$number" --operator anna
proposed birthmark lot receive EX-002.manifest --vendor "Example Silicon" --operator carl
expect 0 'approved' birthmark proposal approve "$number" --operator olga

# an order, with the profile that it was proposed with
proposed birthmark order open first --lot EX-001 --profile gateway-1 --quantity 1 --operator petra
expect 0 'order first: 1 units of gateway-1 from lot EX-001' birthmark proposal show "$number"
cp works/profiles/gateway-1.profile kept.profile
sed -i 's/^days .*/days 1/' works/profiles/gateway-1.profile
expect 0 'approved' birthmark proposal approve "$number" --operator olga
mv kept.profile works/profiles/gateway-1.profile
expect 0 'first +1 +0' birthmark order list
proposed birthmark order raise first --quantity 2 --operator petra
expect 0 'approved' birthmark proposal approve "$number" --operator anna
expect 0 'first +2 +0' birthmark order list

# who the persons are takes two as well; to leave somebody out takes one, as long as two are left for each act
person mallory officer anna 1 '^proposed: '
expect 1 'may not sign|no operator' birthmark policy set --operator mallory
expect 0 'anna +officer' birthmark operator list
if grep -q mallory <<<"$said"; then die "one person made another"; fi
expect 0 'petra +planner' birthmark operator revoke olga --operator anna
expect 1 'fewer than two of these operators may' birthmark operator revoke carl --operator anna
# revoked between proposal and approval
proposed birthmark order raise first --quantity 3 --operator petra
expect 1 'signature of petra only' birthmark proposal approve "$number" --operator olga

# what only takes away takes one
expect 1 'carl is custodian here and may not close an order.*alarm' birthmark order close first --operator carl
expect 0 'closed +20.*' birthmark order close first --reason "the line is converted" --operator petra
expect 1 'is closed, which nobody undoes' birthmark proposal approve "$number" --operator anna
expect 0 'whole' birthmark ledger verify
expect 0 'order-closed' birthmark ledger show
echo "policy: ok"
