#!/bin/bash
# conflicts.sh - lots that contradict each other: who vouches for a whole list stops both, who vouches for nothing is refused alone, and two persons decide.
#
#   conflicts.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2129,SC2154,SC2164 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

states() { # LOT...: each lot's state
    local lot
    for lot; do printf '%s %s\n' "$lot" "$(field state birthmark lot show "$lot" 2>/dev/null || :)"; done
}
alarms() { field alarm birthmark alarm list | wc -l; }
spki() { openssl pkey -in "$1.pem" -pubout -outform DER | base64 -w0; }
record() { # FILE ROOT ID
    birthmark chip create --root "soft:$2.pem" --id "$3" -o "$1.der" >>chips.log
}
manifest() { # LOT RECORD...: signed by Silicon
    local lot=$1
    shift
    birthmark lot sign --key maker.key --vendor Silicon --lot "$lot" "${@/%/.der}" -o "$lot.manifest" >>init.log
}
receive() { # LOT
    birthmark lot receive "$1.manifest" --vendor Silicon --operator anna
}
plain_csv() { # LOT ROOT...: a list that nobody signed
    local lot=$1 root
    shift
    echo 'id,key' >"$lot.csv"
    for root; do printf 'P-%s,%s\n' "$root" "$(spki "$root")" >>"$lot.csv"; done
}

# ---- two chipmakers, a list desk that signs CSV, and somebody who signs nothing ----

birthmark init --name "Example Works" --url https://localhost:8443 --operator anna >init.log
maker maker ben
birthmark operator add ben --role custodian --key ben.pub --operator anna >>init.log
install -m 600 ben.key works/operators/ben.key
p256 desk.key
openssl req -x509 -key desk.key -subj "/CN=Desk" -days 3000 -out desk.pem
birthmark vendor add Silicon --signer maker.pub >>init.log
birthmark vendor add Desk --format csv --signer desk.pem >>init.log
birthmark vendor add Nobody --format csv >>init.log
p256 {a,b,c,d,e,f,g,h}.pem
for root in a b c d e f g h; do record $root $root "$root-1"; done

manifest ONE a b && receive ONE >>init.log
manifest TWO c d && receive TWO >>init.log
manifest APART e && receive APART >>init.log
birthmark order open all --lot ONE TWO APART --profile bench-1 --quantity 6 --operator anna >>init.log
serve
expect 0 '' enrol a.pem

# ---- who vouches for nothing is refused alone: an unsigned list, and certificates that say which keys there are but not where they belong ----

before=$(alarms)
plain_csv PLAIN b f
expect 1 '^refused: .*lot PLAIN.*stands in lot ONE too.*nobody signed the list of PLAIN.*it is refused, and ONE stays as it is. Recorded as alarm [0-9]+' \
    birthmark lot receive PLAIN.csv --vendor Nobody --lot PLAIN --operator anna
p256 ca.key
openssl req -x509 -key ca.key -subj "/CN=EK CA" -days 3000 -out ca.pem
birthmark vendor add Tpms --format ek --root ca.pem >>init.log
for subject in /CN=tpm /serialNumber=TPM-0007; do # a name that the certificate gives its key is another's name for it, and says nothing against ours
    rm -rf eks && mkdir eks
    openssl req -new -key c.pem -subj $subject -out ek.csr
    openssl x509 -req -in ek.csr -CA ca.pem -CAkey ca.key -set_serial 7 -days 3000 -extfile <(echo basicConstraints=critical,CA:false) -outform DER -out eks/c.der 2>/dev/null
    expect 1 '^refused: .*stands in lot TWO too.*nobody signed the list of EKS.*it is refused, and TWO stays as it is. Recorded as alarm [0-9]+' \
        birthmark lot receive eks --vendor Tpms --lot EKS --operator anna
done
same 'ONE pinned
TWO pinned
PLAIN 
EKS ' states ONE TWO PLAIN EKS
[ "$(alarms)" = $((before + 3)) ] || die "there are $(alarms) alarms, and there were $before"
expect 0 '' enrol b.pem

# ---- who vouches for the whole list stops it and every lot that it contradicts; it is taken, and waits with them ----

record a2 a A-2 && record c2 c C-2
manifest BOTH a2 c2 f
before=$(alarms)
expect 1 '^refused: chip [AC]-2 of lot BOTH .*stands in lot (ONE too.*; in quarantine too: TWO|TWO too.*; in quarantine too: ONE). Recorded as alarm [0-9]+' receive BOTH
for lot in ONE TWO; do expect 0 "\"reason\":\".*of lot BOTH .*stands in lot $lot too" birthmark lot show $lot --json; done
same 'ONE quarantined
TWO quarantined
BOTH quarantined
APART pinned' states ONE TWO BOTH APART
[ "$(alarms)" -gt "$before" ] || die "nobody was alarmed"
expect 1 '^refused: .*quarantine' enrol d.pem
expect 0 '"expected":3' birthmark lot reconcile BOTH --json
expect 0 '"why":"also in lot BOTH"' birthmark lot reconcile ONE --json
expect 0 'received already|received before' birthmark lot receive BOTH.manifest --vendor Silicon --operator anna # nothing new, and no second alarm

# ---- a list in CSV that its maker signed counts as much, and what waits in quarantine is compared with what comes later ----

{ echo 'id,key'; printf 'D-9,%s\n' "$(spki f)"; } >SIGNED.csv
openssl cms -sign -binary -md sha256 -nosmimecap -in SIGNED.csv -signer desk.pem -inkey desk.key -outform DER >SIGNED.p7s
expect 1 '^refused: .*of lot SIGNED .*stands in lot BOTH too.*Recorded as alarm' \
    birthmark lot receive SIGNED.csv --signature SIGNED.p7s --vendor Desk --lot SIGNED --operator anna
same 'SIGNED quarantined
BOTH quarantined' states SIGNED BOTH
plain_csv LATE f
expect 1 '^refused: .*nobody signed the list of LATE' birthmark lot receive LATE.csv --vendor Nobody --lot LATE --operator anna
same 'LATE ' states LATE

# ---- the unsigned list came first: it gives way to the one that somebody vouches for ----

plain_csv FIRST g h
birthmark lot receive FIRST.csv --vendor Nobody --lot FIRST --operator anna >>init.log 2>&1
same 'FIRST pinned' states FIRST
manifest PROPER g
expect 0 '' receive PROPER
same 'FIRST quarantined
PROPER pinned' states FIRST PROPER
expect 0 'nobody signed the list of FIRST' birthmark alarm list --json
birthmark order open proper --lot PROPER --profile bench-1 --quantity 1 --operator anna >>init.log
expect 0 '' enrol g.pem

# ---- two persons let out each of them, one by one ----

release() { # LOT
    local n
    n=$(field proposal birthmark lot release "$1" --reason "settled with the chipmaker" --operator anna)
    expect 1 'nobody approves their own' birthmark proposal approve "$n" --operator anna
    expect 0 '' birthmark proposal approve "$n" --operator ben
}
release TWO
same 'ONE quarantined
TWO pinned
BOTH quarantined' states ONE TWO BOTH
expect 0 '' enrol d.pem
release BOTH
release SIGNED
same 'ONE quarantined
BOTH pinned
SIGNED pinned' states ONE BOTH SIGNED

# ---- killed, and the store gone: what the signer's journal says is the same ----

all=(ONE TWO APART BOTH SIGNED FIRST PROPER PLAIN EKS LATE)
states "${all[@]}" >before.txt
birthmark lot reconcile BOTH --csv | cut -d, -f1-7 >before.csv
mapfile -t pids < <(ps -o pid= --ppid "$server")
kill -9 "$server" "${pids[@]}"
wait "$server" 2>/dev/null || :
rm works/store/*
birthmark site recover --reason "the store was lost" --operator anna >>init.log
serve
states "${all[@]}" >after.txt
diff before.txt after.txt || die "the lots' states are others"
birthmark lot reconcile BOTH --csv | cut -d, -f1-7 >after.csv
diff before.csv after.csv || die "the chips are others"
release ONE
birthmark vendor add Nobody --format csv >>init.log # vendors are in the store alone
expect 1 '^refused: .*nobody signed the list of PLAIN' birthmark lot receive PLAIN.csv --vendor Nobody --lot PLAIN --operator anna
unserve
expect 0 ': whole$' birthmark ledger verify
echo "conflicts: ok"
