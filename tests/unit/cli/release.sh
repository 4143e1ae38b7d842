#!/bin/bash
# release.sh - a lot in quarantine issues nothing, and leaves it by two persons' word alone; that word outlives the store.
#
#   release.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2129,SC2154,SC2164 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

state_of() { # LOT
    field state birthmark lot show "$1"
}
proposals() { # STATE
    field proposal birthmark proposal list --state "$1"
}

birthmark init --name "Example Works" --url https://localhost:8443 --operator anna >init.log
maker maker ben eve
for who in ben eve; do
    birthmark operator add $who --role custodian --key $who.pub --operator anna >>init.log
    install -m 600 $who.key works/operators/$who.key
done
birthmark operator revoke eve --operator anna >>init.log
birthmark vendor add "Example Silicon" --signer maker.pub >>init.log

# ---- one chip in two lots of one chipmaker, both signed ----

for n in 1 2; do chip chip$n C-$n; done
birthmark chip create --root soft:chip1.pem --id D-1 -o again.der >>init.log
birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-1 chip1.der chip2.der -o EX-1.manifest >>init.log
birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-2 again.der -o EX-2.manifest >>init.log
birthmark lot receive EX-1.manifest --vendor "Example Silicon" --operator anna >>init.log
birthmark order open first --lot EX-1 --profile bench-1 --quantity 2 --operator anna >>init.log
serve
expect 0 '' enrol chip1.pem
expect 1 'refused: .*EX-1.*Recorded as alarm' birthmark lot receive EX-2.manifest --vendor "Example Silicon" --operator anna
same quarantined state_of EX-1
expect 1 '^refused: .*quarantine' enrol chip2.pem
expect 0 '"issued":1,"unused":1' birthmark lot reconcile EX-1 --json # what has an identity keeps it

# ---- one person is nobody ----

expect 0 '"proposal":1,"state":"open","act":"release","vendor":null,"check":null,"lot":"EX-1"' birthmark lot release EX-1 --reason "their letter of 12 May" --operator anna --json
expect 1 'nobody approves their own|own proposal' birthmark proposal approve 1 --operator anna
cp works/operators/anna.key works/operators/otto.key # by another name it is the same key
expect 1 'signature of anna only' birthmark proposal approve 1 --operator otto
expect 1 'signature of anna only' birthmark proposal approve 1 --operator eve # no operator any more
maker otto && install -m 600 otto.key works/operators/otto.key
expect 1 'signature of anna only' birthmark proposal approve 1 --operator otto # never was one
same quarantined state_of EX-1
same 1 proposals open
expect 1 '^refused: .*quarantine' enrol chip2.pem

# ---- the second says no: it stays, and what was rejected is no proposal any more ----

expect 0 '"state":"rejected"' birthmark proposal reject 1 --reason "which letter?" --operator ben --json
expect 1 'proposal 1 is rejected already' birthmark proposal approve 1 --operator ben
same quarantined state_of EX-1

# ---- the second says yes, whoever of both asked first ----

expect 0 '"proposal":2,' birthmark lot release EX-1 --reason "EX-2 was a misprint" --operator ben --json
expect 1 'nobody approves their own|own proposal' birthmark proposal approve 2 --operator ben
expect 0 '"state":"approved"' birthmark proposal approve 2 --operator anna --json
same pinned state_of EX-1
expect 1 'proposal 2 is approved already' birthmark proposal approve 2 --operator anna
expect 1 'is pinned and not in quarantine' birthmark lot release EX-1 --reason "again" --operator ben
expect 0 '' enrol chip2.pem
expect 0 '"by":"ben",.*"second":"anna"' birthmark proposal show 2 --json

# ---- the server killed, the store lost: the signer's journal has both words ----

mapfile -t pids < <(ps -o pid= --ppid "$server")
kill -9 "$server" "${pids[@]}"
wait "$server" 2>/dev/null || :
server=
rm works/store/*
birthmark site recover --reason "the store was lost" --operator anna >>init.log
serve
same pinned state_of EX-1
expect 0 '"issued":2,"unused":0' birthmark lot reconcile EX-1 --json
unserve
expect 0 ': whole$' birthmark ledger verify
echo "release: ok"
