#!/bin/bash
# two_persons.sh - a lot that fails a check is received only when two persons let it, and no longer than they said; operators come and go.
#
#   two_persons.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2016,SC2129,SC2154,SC2164 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

birthmark init --name "Example Works" --url https://localhost:8443 --operator anna >init.log 2>&1 || die "init: $(cat init.log)"

# two chips that the chipmaker calls by one name: waivable, since nothing is bound to a name
for n in 1 2; do chip chip$n C-0001; done
maker maker ben
birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-001 chip?.der -o EX-001.manifest >>init.log
birthmark vendor add "Example Silicon" --signer maker.pub >>init.log

receive=(birthmark lot receive EX-001.manifest --vendor "Example Silicon" --operator anna)
expect 1 'id-twice' "${receive[@]}"
expect 2 "can't be waived" birthmark vendor waive "Example Silicon" signature --reason x --operator anna
expect 1 'no vendor is known by the name Nobody' birthmark vendor waive Nobody id-twice --reason x --operator anna
expect 1 'there is no lot EX-001' birthmark lot release EX-001 --reason x --operator anna
expect 0 '^no proposals$' birthmark proposal list
expect 2 'wants --reason' "${receive[@]}" --waive id-twice
expect 2 'wants --reason' "${receive[@]}" --reason "old labels"
expect 2 "can't be waived" "${receive[@]}" --waive signature --reason "old labels"
expect 1 'fail the check id-twice' "${receive[@]}" --waive roca --reason "old labels" # no waiver of what is all right would help
expect 0 '^no proposals$' birthmark proposal list
expect 1 'second person.*`birthmark proposal approve 1` .id-twice., then receive the file again; .*birthmark operator add' \
    "${receive[@]}" --waive id-twice --reason "old labels"
# asked twice by the same person, by either road: one question
expect 1 'proposal approve 1`' "${receive[@]}" --waive id-twice --reason "old labels"
expect 0 '"proposal":1,.*"hint":"proposed already' birthmark vendor waive "Example Silicon" id-twice --days 60 --reason "old labels" --operator anna --json
expect 0 '^\[[^[]*"proposal":1,"state":"open","act":"waive","vendor":"Example Silicon","check":"id-twice"[^]]*\]$' birthmark proposal list --json
expect 1 'id-twice' "${receive[@]}" # proposed is not approved

# the second person: a key of his own making, whose public half is all that the site gets
expect 2 'role' birthmark operator add ben --role king --key ben.pub --operator anna
expect 1 'already' birthmark operator add anna --role custodian --operator anna
expect 0 'ben +custodian' birthmark operator add ben --role custodian --key ben.pub --operator anna
expect 0 'ben +custodian' birthmark operator list
cp ben.key works/operators/ben.key && chmod 600 works/operators/ben.key
expect 1 'may not sign' birthmark operator add eve --role officer --key ben.pub --operator ben # no officer: cannot make one

expect 1 'nobody approves their own|own proposal' birthmark proposal approve 1 --operator anna
expect 0 'approved' birthmark proposal approve 1 --operator ben
expect 0 '"verdict":"receivable".*"weight":"waived"' birthmark lot inspect EX-001.manifest --vendor "Example Silicon" --json
expect 1 '"verdict":"refused unless waived".*"weight":"waivable"' birthmark lot inspect EX-001.manifest --signer maker.pub --vendor "Example Silicon" --json # no site is asked
expect 0 'pinned' "${receive[@]}"
grep -q '^check id-twice .*WAIVED' works/lots/*.receipt || die "the receipt does not say WAIVED"

expect 1 'is pinned and not in quarantine' birthmark lot release EX-001 --reason x --operator anna

# revoked: from now on he approves nothing
expect 0 'anna +officer' birthmark operator revoke ben --operator anna
later=$(birthmark vendor waive "Example Silicon" test-key --reason "a bench" --operator anna --json | sed -n 's/.*"proposal": *\([0-9]*\).*/\1/p')
[ "$later" = 2 ] || die "after proposal 1 comes $later"
expect 1 'signature of anna only' birthmark proposal approve "$later" --operator ben
expect 1 'last officer' birthmark operator revoke anna --operator anna # one must be left
expect 0 'rejected' birthmark proposal reject "$later" --reason "not needed" --operator anna

# one table says who may what: it is the manual's, too, and what it refuses is on record
birthmark operator roles >roles.txt
while read -r line; do grep -qxF -- "$line" <(tr -s ' ' <"$source/man/birthmark.1") || die "man/birthmark.1 lacks: $line"; done < <(tr -s ' ' <roles.txt)
sed -n 's/^| \(.*\) |$/\1/p' "$source/docs/formats/statements.md" | sed 's/ | /  /g' | tr -s ' ' >documented.txt
while read -r line; do grep -qxiF -- "$line" documented.txt || die "statements.md lacks: $line"; done < <(tr -s ' ' <roles.txt)
for who in carl:custodian audrey:auditor; do
    maker "${who%:*}" "${who%:*}"
    expect 0 "${who%:*} +${who#*:}" birthmark operator add "${who%:*}" --role "${who#*:}" --key "${who%:*}.pub" --operator anna
    install -m 600 "${who%:*}.key" "works/operators/${who%:*}.key"
done
expect 1 'audrey is auditor here and may not withdraw.*alarm' birthmark lot withdraw EX-001 --reason x --operator audrey
expect 1 'carl is custodian here and may not sign this roles.*alarm' birthmark operator revoke audrey --operator carl
expect 1 'audrey is auditor here and may not settle an alarm.*alarm' birthmark alarm settle 1 --note seen --operator audrey
expect 1 'audrey is auditor here and may not close a proposal' birthmark proposal reject 2 --reason x --operator audrey
expect 0 '"kind":"role"' birthmark alarm list --json
expect 0 'EX-001 +.*pinned' birthmark lot list
expect 0 'whole' birthmark ledger verify
echo "two_persons: ok"
