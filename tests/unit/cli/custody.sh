#!/bin/bash
# custody.sh - what a custodian sees of a lot after it came in: what became of each chip, which are scrapped, what a recall takes back.
#
#   custody.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2129,SC2154,SC2164 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

# ---- four chips received, two of them made into units ----

birthmark init --name "Example Works" --url https://localhost:8443 >init.log
for n in 1 2 3 4; do chip root$n C-000$n; done
maker maker other
birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-001 root?.der -o EX-001.manifest >>init.log
birthmark vendor add "Example Silicon" --signer maker.pub >>init.log
birthmark lot receive EX-001.manifest --vendor "Example Silicon" --expect 4 >>init.log
birthmark order open first --lot EX-001 --profile bench-1 --quantity 2 >>init.log
serve
for n in 1 2; do enrol root$n.pem >>init.log 2>&1; done

plain_blanks() { # the same, and a column's width says nothing
    plain "$@" | sed -E 's/ +/ /g; s/ /  /g'
}

same 'lot         EX-001
vendor      Example Silicon
source      birthmark
received    TIME
state       pinned
expected    4
issued      2
unused      2
scrapped    0
withdrawn   0
reissued    0
seen        2
never_seen  2
seen_twice  0
ordered     2
left        0
surplus     2' plain birthmark lot reconcile EX-001
same '{"lot":"EX-001","vendor":"Example Silicon","source":"birthmark","received":"TIME","state":"pinned","reason":null,"expected":4,"issued":2,"unused":2,"scrapped":0,"withdrawn":0,"reissued":0,"seen":2,"never_seen":2,"seen_twice":0,"ordered":2,"left":0,"surplus":2,"twice":[],"by":[{"reel":null,"date":null,"expected":4,"issued":2,"unused":2,"scrapped":0,"withdrawn":0,"reissued":0,"seen":2,"never_seen":2,"seen_twice":0}]}' \
    plain birthmark lot reconcile EX-001 --json
same 'chip,index,reel,date,firmware,root,state,reason,device,seen,twice,reissued,identities
C-0001,0,,,,software,issued,,DEVICE,TIME,,0,mqtt:active:SERIAL
C-0002,1,,,,software,issued,,DEVICE,TIME,,0,mqtt:active:SERIAL
C-0003,2,,,,software,unused,,,,,0,
C-0004,3,,,,software,unused,,,,,0,' plain birthmark lot reconcile EX-001 --csv
expect 1 'there is no lot EX-009' birthmark lot reconcile EX-009
expect 2 'exclude each other' birthmark lot reconcile EX-001 --csv --json

# ---- scrapped, withdrawn: for good, on record, and nothing is issued any more ----

for what in "lot scrap EX-001 C-0003" "lot withdraw EX-001" "lot release EX-001" "vendor waive Silicon roca" "proposal reject 1"; do
    # shellcheck disable=SC2086 # words
    expect 2 '^birthmark: --reason is 1 to 160 bytes of printable text on one line;' birthmark $what --reason $'two\nlines'
done
expect 2 '^birthmark: --note is 1 to 255 bytes of printable text on one line;' birthmark alarm settle 1 --note $'two\nlines'
expect 2 "a lot's name must be" birthmark lot withdraw ../..
expect 1 'has no chip C-0009: nothing was recorded' birthmark lot scrap EX-001 C-0003 C-0009 --reason "bent"
same '1 chip of lot EX-001 scrapped
no identity of theirs is left to revoke' birthmark lot scrap EX-001 C-0003 --reason "bent at placement, said =1+1"
same '1  chip  of  lot  EX-001  withdrawn
DEVICE  CHIP  SERVICE  STATE  SERIAL
DEVICE  C-0001  mqtt  active  SERIAL' plain_blanks birthmark lot withdraw EX-001 --ids C-0000..C-0001 --reason "weak random numbers"
same '[{"device":"DEVICE","chip":"C-0001","service":"mqtt","serial":"SERIAL","state":"active"}]' \
    plain birthmark lot withdraw EX-001 --ids C-0000..C-0001 --reason "weak random numbers" --json
expect 1 'no chip of lot EX-001 is meant by that' birthmark lot withdraw EX-001 --date 2025-06-01..2025-06-30
for days in 2025-06..2025-07 2025-13-01..2025-13-02 2025-02-01..2025-02-30 2025-06-01..today; do
    expect 2 'must be two days that there are' birthmark lot withdraw EX-001 --date $days
done
expect 2 'runs backwards: 2025-06-30 comes after 2025-06-01' birthmark lot withdraw EX-001 --date 2025-06-30..2025-06-01
expect 2 'runs backwards: C-0002 comes after C-0001' birthmark lot withdraw EX-001 --ids C-0002..C-0001
expect 2 'runs backwards: C-00001 comes after C-0002' birthmark lot withdraw EX-001 --ids C-00001..C-0002 # longer ones come after shorter ones
expect 2 'FROM..TO, both included' birthmark lot withdraw EX-001 --ids C-0001
same 'chip,index,reel,date,firmware,root,state,reason,device,seen,twice,reissued,identities
C-0001,0,,,,software,withdrawn,weak random numbers,DEVICE,TIME,,0,mqtt:active:SERIAL
C-0002,1,,,,software,issued,,DEVICE,TIME,,0,mqtt:active:SERIAL
C-0003,2,,,,software,scrapped,"bent at placement, said =1+1",,,,0,
C-0004,3,,,,software,unused,,,,,0,' plain birthmark lot reconcile EX-001 --csv
expect 0 '"state":"revoked"' birthmark identity revoke "$(birthmark lot withdraw EX-001 --ids C-0001..C-0001 --json | grep -oE '[0-9a-f]{40}')" --reason superseded --json
expect 0 '^\[\]$' birthmark lot withdraw EX-001 --ids C-0001..C-0001 --json

# a third unit is in the order's hand, and the chips say no
birthmark order open second --lot EX-001 --profile bench-1 --quantity 2 >>init.log
expect 1 '^refused: .*scrapped' enrol root3.pem
expect 0 '"state":"pinned"' birthmark lot list --json
expect 0 '^lot EX-001 is withdrawn' birthmark lot withdraw EX-001 --reason "recall 12"
expect 0 '"state":"withdrawn".*"reason":"recall 12"' birthmark lot list --json
expect 1 '^refused: .*withdrawn' enrol root4.pem

# ---- two verified lots that contradict each other: neither serves, and that is an alarm ----

p256 root5.pem root6.pem
birthmark chip create --root soft:root5.pem --id D-0005 -o d5.der >>init.log
birthmark chip create --root soft:root5.pem --id E-0005 -o e5.der >>init.log
birthmark chip create --root soft:root6.pem --id D-0005 -o d6.der >>init.log
birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-005 d5.der -o EX-005.manifest >>init.log
birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-006 e5.der -o EX-006.manifest >>init.log
birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-007 d6.der -o EX-007.manifest >>init.log
birthmark lot sign --key other.key --vendor "Example Silicon" --lot EX-008 e5.der -o EX-008.manifest >>init.log
birthmark lot receive EX-005.manifest --vendor "Example Silicon" >>init.log
state_of() { # LOT: its state
    birthmark lot show "$1" --json | grep -oE '"state":"[a-z]+"'
}
expect 1 '^refused: EX-008.manifest: ' birthmark lot receive EX-008.manifest --vendor "Example Silicon" # nobody whom we believe signed it
same '"state":"pinned"' state_of EX-005
birthmark vendor add "Somebody" --format csv >>init.log # nor does a list that nobody signed
printf 'id,key\nS-1,%s\n' "$(openssl pkey -in root5.pem -pubout -outform DER | base64 -w0)" >somebody.csv
expect 1 '^refused: .* nobody signed the list of S-1 as a whole: it is refused, and EX-005 stays as it is. Recorded as alarm [0-9]+' \
    birthmark lot receive somebody.csv --vendor Somebody --lot S-1
same '"state":"pinned"' state_of EX-005
expect 1 'there is no lot S-1' birthmark lot show S-1
expect 1 '^refused: chip E-0005 of lot EX-006 .root key .*. stands in lot EX-005 too, as D-0005.*Recorded as alarm [0-9]+' \
    birthmark lot receive EX-006.manifest --vendor "Example Silicon"
same '"state":"quarantined"' state_of EX-005
expect 1 'no lot with a name of 3000 bytes' birthmark lot show "$(printf '%3000s' x)"
same '"state":"quarantined"' state_of EX-006
expect 1 '^refused: chip D-0005 of lot EX-007 has another root key in lot EX-005' birthmark lot receive EX-007.manifest --vendor "Example Silicon"
expect 0 'stands in lot EX-005 too' birthmark alarm list --state open

# ---- out of quarantine: two persons, never one ----

expect 0 '"proposal":1,"state":"open","act":"release","vendor":null,"check":null,"lot":"EX-005"' birthmark lot release EX-005 --reason "EX-006 was a misprint" --json
expect 0 '"proposal":1,.*"hint":"proposed already' birthmark lot release EX-005 --reason "a misprint" --json
expect 1 'nobody approves their own proposal' birthmark proposal approve 1
expect 0 '"proposal":2,"state":"open","act":"waive","vendor":"Example Silicon","check":"broken-der"' \
    birthmark vendor waive "Example Silicon" broken-der --days 10 --reason "known encoder" --json
expect 2 "can't be waived" birthmark vendor waive "Example Silicon" signature --reason "please"
expect 0 '"state":"rejected".*"why":"no need"' birthmark proposal reject 2 --reason "no need" --json
expect 1 'no open proposal has the number 2' birthmark proposal reject 2 --reason "no need"
expect 1 'proposal 2 is rejected already' birthmark proposal approve 2
same '"state":"quarantined"' state_of EX-005

# ---- without a server the same questions have the same answers ----

birthmark lot reconcile EX-001 --csv >before.csv
unserve
expect 0 'whole' birthmark ledger verify
birthmark lot reconcile EX-001 --csv >after.csv
cmp before.csv after.csv || die "without a server the chips are others"
echo "custody: ok"
