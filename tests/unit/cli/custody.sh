#!/bin/bash
# custody.sh - what a custodian sees of a lot after it came in: what became of each chip, which are scrapped, what a recall takes back.
#
#   custody.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC2129 # each command its own redirection: a line is moved more easily
set -euo pipefail
build=$2
HOME=$(mktemp -d /tmp/birthmark-custody-XXXXXX)
export HOME BIRTHMARK_HOME=$HOME/works PATH=$build:$PATH
server=
finish() {
    local status=$?
    trap - EXIT
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || :
        wait "$server" 2>/dev/null || :
    fi
    if [ $status = 0 ]; then
        rm -rf "$HOME"
    else
        tail -n 5 "$HOME"/*.log >&2 || :
        echo "custody: failed; what it left is in $HOME" >&2
    fi
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

die() {
    echo "custody: $*" >&2
    exit 1
}

expect() { # STATUS PATTERN COMMAND...: its exit status, and what it says on either stream
    local want=$1 pattern=$2 status=0 said
    shift 2
    said=$("$@" 2>&1) || status=$?
    [ $status = "$want" ] || die "$* ended with $status, not $want: $said"
    grep -qE -- "$pattern" <<<"$said" || die "$* did not say $pattern: $said"
}

same() { # EXPECTED COMMAND...: stdout, word for word
    local want=$1 said
    shift
    said=$("$@") || die "$* failed"
    [ "$said" = "$want" ] || die "$* said
$said
not
$want"
}

port=
for try in $(shuf -i 20000-29999 -n 50); do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$try") 2>/dev/null; then port=$try && break; fi
done

serve() {
    birthmark serve >"$HOME/serve.log" 2>&1 &
    server=$!
    for try in $(seq 200); do
        if grep -q '^birthmark serves' "$HOME/serve.log"; then return 0; fi
        sleep 0.05
    done
    die "the server did not start (try $try)"
}

# ---- four chips received, two of them made into units ----

cd "$HOME"
birthmark init --name "Example Works" --url "https://localhost:$port" >init.log
for n in 1 2 3 4; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "root$n.pem" 2>/dev/null
    chmod 600 "root$n.pem"
    birthmark chip create --root "soft:root$n.pem" --id "C-000$n" -o "chip$n.der" >>init.log
done
openssl genpkey -algorithm ed25519 -out maker.key && openssl pkey -in maker.key -pubout -out maker.pub
birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-001 chip?.der -o EX-001.manifest >>init.log
birthmark vendor add "Example Silicon" --signer maker.pub >>init.log
birthmark lot receive EX-001.manifest --vendor "Example Silicon" --expect 4 >>init.log
birthmark order open first --lot EX-001 --profile bench-1 --quantity 2 >>init.log
serve
for n in 1 2; do
    birthmark-agent enrol --root "soft:root$n.pem" --server "https://localhost:$port" --service mqtt --cacert works/root.pem >>init.log 2>&1
done

# Times, devices and serial numbers are not the same twice.
plain() {
    "$@" | tr -d '\r' | sed -E 's/20[0-9-]{8}T[0-9:]{8}Z/TIME/g; s/\b[0-9a-f]{38,40}\b/SERIAL/g; s/\b[0-9a-f]{20}\b/DEVICE/g'
}

plain_blanks() { # the same, and a column's width says nothing
    plain "$@" | sed -E 's/ +/ /g; s/ /  /g'
}

same 'lot         EX-001
vendor      Example Silicon
source      birthmark
received    TIME
state       pinned
reason      -
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
surplus     2
twice       -
by          reel -, date -, expected 4, issued 2, unused 2, scrapped 0, withdrawn 0, reissued 0, seen 2, never_seen 2, seen_twice 0' plain birthmark lot reconcile EX-001
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
expect 2 'must be two days' birthmark lot withdraw EX-001 --date 2025-06..2025-07
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
expect 1 '^refused: .*scrapped' birthmark-agent enrol --root soft:root3.pem --server "https://localhost:$port" --service mqtt --cacert works/root.pem
expect 0 '"state":"pinned"' birthmark lot list --json
expect 0 '^lot EX-001 is withdrawn' birthmark lot withdraw EX-001 --reason "recall 12"
expect 0 '"state":"withdrawn".*"reason":"recall 12"' birthmark lot list --json
expect 1 '^refused: .*withdrawn' birthmark-agent enrol --root soft:root4.pem --server "https://localhost:$port" --service mqtt --cacert works/root.pem

# ---- two verified lots that contradict each other: neither serves, and that is an alarm ----

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out root5.pem 2>/dev/null && chmod 600 root5.pem
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out root6.pem 2>/dev/null && chmod 600 root6.pem
birthmark chip create --root soft:root5.pem --id D-0005 -o d5.der >>init.log
birthmark chip create --root soft:root5.pem --id E-0005 -o e5.der >>init.log
birthmark chip create --root soft:root6.pem --id D-0005 -o d6.der >>init.log
openssl genpkey -algorithm ed25519 -out other.key
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
expect 1 '^refused: .* nobody signed the list of S-1: it is refused, and EX-005 stays as it is. Recorded as alarm [0-9]+' \
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
kill "$server"
wait "$server" || die "the server did not end in peace"
server=
expect 0 'whole' birthmark ledger verify
birthmark lot reconcile EX-001 --csv >after.csv
cmp before.csv after.csv || die "without a server the chips are others"
echo "custody: ok"
