#!/bin/bash
# contract.sh - a contract manufacturer, from both sides: the brand owner's key alone opens and raises orders at a site that another firm runs, and checks the
# balance far away from it.
#
#   contract.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

birthmark init --name "Contract Works" --url https://localhost:8443 --operator founder >init.log 2>&1
maker maker carla otto
mkdir brand # the other firm's desk: it has what it gets sent, and no site
openssl genpkey -algorithm ed25519 -out brand/brand.key && openssl pkey -in brand/brand.key -pubout -out brand.pub
for n in $(seq 8); do chip "c$n" "C-$n"; done
{
    birthmark operator add brand --role officer --key brand.pub --operator founder
    for who in carla:custodian otto:operator; do
        birthmark operator add "${who%:*}" --role "${who#*:}" --key "${who%:*}.pub" --operator founder
        install -m 600 "${who%:*}.key" "works/operators/${who%:*}.key"
    done
    birthmark vendor add "Example Silicon" --signer maker.pub
    birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-001 c1.der c2.der c3.der c4.der c5.der c6.der c7.der c8.der -o EX-001.manifest
    birthmark lot receive EX-001.manifest --vendor "Example Silicon" --operator carla
} >>init.log 2>&1
expect 0 'brand +officer' birthmark operator revoke founder --operator founder
cp works/trust.txt brand/trust.txt
cp works/profiles/bench-1.profile brand/
rm works/operators/founder.key
serve

# ---- the factory by itself: refused, on record, an alarm ----

for who in carla otto; do
    expect 1 "$who is [a-z]* here and may not sign this order.*alarm" birthmark order open mine --lot EX-001 --profile bench-1 --quantity 5 --operator $who
done
expect 0 'role .*otto is operator here and may not sign this order' birthmark alarm list
expect 1 'may not sign this roles' birthmark operator add mallory --role planner --key carla.pub --operator otto
expect 1 'no open order covers lot EX-001' enrol c1.pem

# ---- the brand owner signs, far away; the factory hands it in ----

sign() { # FILE ARGUMENT...
    local file=$1
    shift
    (cd brand && env -u BIRTHMARK_HOME birthmark order sign first --trust trust.txt --operator brand --key brand.key -o "$file" "$@")
}
expect 2 'lots, profiles and a quantity' sign x.order --lot EX-001
expect 0 'quantity 5' sign first.order --lot EX-001 --profile bench-1.profile --quantity 5 --scraps 1
for change in 's/^quantity 5/quantity 9/' 's/^scraps 1/scraps 4/' 's/^by brand/by carla/' 's/^statement .*/statement 12/' '1s/v1/v2/' 's/^days .*/days 9/'; do
    sed "$change" brand/first.order >changed.order
    if birthmark order submit changed.order >>init.log 2>&1; then die "an order changed by $change is taken"; fi
done
expect 1 'no open order covers lot EX-001' enrol c1.pem
expect 0 'quantity +5' birthmark order submit brand/first.order
expect 1 'taken before' birthmark order submit brand/first.order
(cd brand && openssl genpkey -algorithm ed25519 -out other.key)
expect 0 . env birthmark order sign other --trust brand/trust.txt --operator brand --key brand/other.key --lot EX-001 --profile brand/bench-1.profile --quantity 5 -o other.order
expect 1 'signature is not on it' birthmark order submit other.order

# ---- five units, and not one more; a raise is the brand owner's too ----

for n in 1 2 3 4 5; do expect 0 '^enrolled: ' enrol "c$n.pem"; done
expect 1 'order first is full: 5 of 5 units are made' enrol c6.pem
expect 1 'otto is operator here and may not sign this raise.*alarm' birthmark order raise first --quantity 6 --operator otto
expect 0 'quantity 6' sign more.order --raise --quantity 6
expect 0 'quantity +6' birthmark order submit brand/more.order
expect 1 'taken before' birthmark order submit brand/more.order
expect 0 '^enrolled: ' enrol c6.pem
expect 1 'order first is full: 6 of 6 units are made' enrol c7.pem
expect 0 scrapped birthmark lot scrap EX-001 C-6 --reason "crushed" --operator otto
expect 1 'order first allows 1 scraps' birthmark lot scrap EX-001 C-5 --reason "crushed" --operator otto

# ---- closed: the balance goes to the brand owner, who needs nothing but trust.txt ----

expect 0 'units +6' birthmark order close first --reason "delivered" --operator otto -o brand/first.balance
unserve
balance() { (cd brand && env -u BIRTHMARK_HOME HOME=/nowhere birthmark order balance --check "$@" --trust trust.txt); }
expect 0 'received +8' balance first.balance
for line in 'units +6' 'issued +5' 'scrapped +1' 'unused +2' 'scraps +1' 'over +0'; do
    grep -qE "^$line\$" <<<"$said" || die "the balance does not say $line: $said"
done
sed 's/ unused 2 / unused 1 /; s/ issued 5 / issued 6 /' brand/first.balance >brand/forged.balance
expect 1 'not what that ledger says' balance forged.balance
expect 0 'balances: 1 closed orders' birthmark ledger verify
echo "contract: ok"
