#!/bin/bash
# orders.sh - what is counted under an order besides its units: re-issues, scraps and repairs, each with a reason and under its own limit.
#
#   orders.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
tools sqlite3

birthmark init --name "Counting Works" --url https://localhost:8443 --operator anna >init.log 2>&1
maker maker
for n in 1 2 3 4 5 6; do chip "c$n" "C-$n"; done
{
    birthmark vendor add "Example Silicon" --signer maker.pub
    birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-001 c1.der c2.der c3.der c4.der -o EX-001.manifest
    birthmark lot sign --key maker.key --vendor "Example Silicon" --lot SPARE-1 c5.der c6.der -o SPARE-1.manifest
    birthmark lot receive EX-001.manifest --vendor "Example Silicon"
    birthmark lot receive SPARE-1.manifest --vendor "Example Silicon"
} >>init.log 2>&1
id_of() { field device birthmark device list --chip "$1"; }
of() { field "$1" birthmark order show first | head -n 1; }
counts() { # REISSUES SCRAPS REPAIRS, as "1/2": so many of so many
    local is
    is="$(of reissues)/$(of reissues_most) $(of scraps)/$(of scraps_most) $(of repairs)/$(of repairs_most)"
    [ "$is" = "$*" ] || die "order first counts $is, not $*"
}

# ---- limits: one in twenty and three at least, unless the planner says otherwise ----

expect 0 'reissues_most +3' birthmark order open plenty --lot EX-001 --profile bench-1 --quantity 2
expect 0 'scraps_most +50' birthmark order open many --lot EX-001 --profile bench-1 --quantity 1000 --until 2099-01-01
for order in plenty many; do birthmark order close $order >>init.log; done
birthmark order open first --lot EX-001 --profile bench-1 --quantity 3 --reissues 1 --scraps 0 --repairs 1 >>init.log
counts 0/1 0/0 0/1
serve
for n in 1 2 3; do enrol "c$n.pem" >>init.log; done
first=$(id_of C-1) second=$(id_of C-2)

# ---- re-issue: counted when it is allowed, and once while it stands unused ----

expect 0 . birthmark identity reissue "$first" mqtt --reason "the write broke"
expect 0 . birthmark identity reissue "$first" mqtt --reason "the write broke"
counts 1/1 0/0 0/1
expect 1 'order first allows 1 reissues, 1 are counted and this would be 1 more: ask the planner .*order raise first --reissues N' \
    birthmark identity reissue "$second" mqtt --reason "the write broke too"
expect 0 'limit .*order first allows 1 reissues' birthmark alarm list

# ---- scrap: of chips that a unit was made of; the others are their lot's ----

expect 1 'order first allows 0 scraps' birthmark lot scrap EX-001 C-2 --reason "crushed"
expect 0 'scrapped' birthmark lot scrap EX-001 C-4 --reason "fell on the floor"
counts 1/1 0/0 0/1
expect 2 'say what is raised' birthmark order raise first
expect 1 'allows 1 reissues already: raise it to more' birthmark order raise first --reissues 1
expect 0 'scraps_most +1' birthmark order raise first --scraps 1
expect 0 'scrapped' birthmark lot scrap EX-001 C-2 --reason "crushed"
expect 1 'order first allows 1 scraps, 1 are counted' birthmark lot scrap EX-001 C-1 --reason "crushed as well"
counts 1/1 1/1 0/1

# ---- repair ----

expect 0 . birthmark device repair "$second" --chip C-5 --lot SPARE-1 --reason "board replaced"
expect 1 'order first allows 1 repairs' birthmark device repair "$first" --chip C-6 --lot SPARE-1 --reason "board replaced"
counts 1/1 1/1 1/1
expect 1 'order first allows 1 repairs' birthmark device repair "$first" --chip C-6 --lot SPARE-1 --reason "board replaced"

# ---- who, why: in order show, and nobody forgets it ----

for words in 'reissues +1 .*the write broke' 'scraps +1 .*crushed' 'repairs +1 .*board replaced'; do expect 0 "$words" birthmark order show first; done
[ "$(birthmark order show first --json | grep -o '"what": *"[a-z]*"' | wc -l)" = 3 ] || die "not three acts are told: $(birthmark order show first --json)"
unserve
serve
counts 1/1 1/1 1/1
expect 1 'order first allows 1 repairs' birthmark device repair "$first" --chip C-6 --lot SPARE-1 --reason "board replaced"
expect 0 'whole$' birthmark ledger verify

# ---- closed: the signer says what became of every chip, and the ledger's other leaves say the same ----

expect 1 'order first is open, and a balance is made at its end' birthmark order balance first
expect 0 'received +4' birthmark order close first --reason "delivered" -o first.balance
for line in 'units +3' 'issued +2' 'elsewhere +0' 'scrapped +2' 'retired +0' 'unused +0' 'over +0' 'reissues +1' 'scraps +1' 'repairs +1'; do
    grep -qE "^$line\$" <<<"$said" || die "the balance does not say $line: $said"
done
expect 0 'received 4 units 3 issued 2 ' birthmark order show first
expect 0 'balances: 3 closed orders' birthmark ledger verify
expect 0 '"units":3' birthmark order balance first --json
cp works/trust.txt trust.txt
for home in works /nowhere; do
    BIRTHMARK_HOME=$home expect 0 'units +3' birthmark order balance --check first.balance --trust trust.txt
done
for change in 's/units 3/units 2/' 's/^index .*/index 3/' 's/^reason delivered/reason lost/' 's/^order first/order many/' 's/^salt ./salt x/' '/^kind/d' '1s/v1/v2/'; do
    sed "$change" first.balance >changed.balance
    ! cmp -s first.balance changed.balance || die "$change changes nothing"
    if birthmark order balance --check changed.balance --trust trust.txt >>init.log 2>&1; then die "a balance with $change is taken"; fi
done
birthmark init --home other --name "Other Works" --url https://localhost:8444 --operator olga >>init.log 2>&1
expect 1 'not what that ledger says' birthmark order balance --check first.balance --trust other/trust.txt
unserve

# a balance that somebody wrote over in the store is none
sqlite3 works/store/birthmark.db "UPDATE leaf SET event = CAST(replace(CAST(event AS TEXT), 'issued 2 ', 'issued 9 ') AS BLOB) WHERE CAST(event AS TEXT) LIKE '%received 4 units 3%'"
expect 1 . birthmark ledger verify
echo "orders: ok"
