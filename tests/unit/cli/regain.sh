#!/bin/bash
# regain.sh - what is lost or damaged beside the lots: said where it stops work, and had again from the chipmaker's file.
#
#   regain.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2129,SC2154,SC2164 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

signer=maker
manifest() { # LOT REVISION ROOT...: signed by Silicon
    local lot=$1 revision=$2
    shift 2
    birthmark lot sign --key $signer.key --vendor Silicon --lot "$lot" --revision "$revision" "${@/%/.der}" -o "$lot.$revision" >>init.log
}
receive() { # FILE
    birthmark lot receive "$1" --vendor Silicon
}
index_of() { # LOT: its index
    echo "works/lots/$(field root birthmark lot show "$1").index"
}
alarms() { field alarm birthmark alarm list | wc -l; }
flip() { # FILE OFFSET: into a new file of that name
    cp "$1" flipped
    printf '\xa5' | dd of=flipped bs=1 seek="$2" conv=notrunc status=none
    mv flipped "$1"
}
anew() { # LOT: received again it has its index again, and nobody is alarmed
    local before
    before=$(alarms)
    expect 0 'received already: its index was missing or damaged, and was made anew' receive "$1.1"
    cmp "$(index_of "$1")" "$1.index" || die "the index of $1 is another than it was"
    expect 0 'received already: nothing was changed' receive "$1.1"
    [ "$(alarms)" = "$before" ] || die "receiving the same file again raised an alarm"
}

birthmark init --name "Example Works" --url https://localhost:8443 >init.log
maker maker
birthmark vendor add Silicon --signer maker.pub >>init.log
for root in a b c d e; do chip $root $root-1; done
manifest ONE 1 a b && receive ONE.1 >>init.log
manifest TWO 1 c d && receive TWO.1 >>init.log
for lot in ONE TWO; do cp "$(index_of $lot)" $lot.index; done
birthmark order open all --lot ONE TWO --profile bench-1 --quantity 9 >>init.log
manifest NEXT 1 e

# ---- any byte of an index changed, with and without a server that has it open: nothing is issued by it, and the file makes it anew ----

index=$(index_of ONE) size=$(stat -c %s ONE.index)
for at in 9 140 300 $((size / 2)) $((size - 90)) $((size - 1)); do
    flip "$index" $at
    anew ONE
done
serve
expect 0 '' enrol a.pem
unserve
flip "$index" 400 # in a leaf
serve
expect 1 '^refused: the index of lot ONE, which this chip is in, is damaged. Ask the custodian to receive that lot.s file again, which makes it anew.*Recorded as alarm' \
    enrol b.pem
anew ONE
expect 0 '' enrol b.pem
expect 0 '' enrol c.pem
cp ONE.index "$(index_of TWO)" # over the one that the server looks into
expect 1 '^refused: ' enrol d.pem
anew TWO
expect 0 '' enrol d.pem

# ---- something else in its place: no server waits for it, nothing is written through it ----

unserve
rm "$index" && mkfifo "$index"
serve
expect 1 'the index of lot ONE is missing or damaged' timeout 30 birthmark lot show ONE --chips
anew ONE
unserve
rm "$index" && mkfifo "$index"
expect 1 'the index of lot ONE is missing or damaged' timeout 30 birthmark lot show ONE --chips
anew ONE
echo theirs >theirs
ln -sf "$HOME/theirs" "$index"
anew ONE
[ "$(cat theirs)" = theirs ] || die "it was written through a link"

# ---- everything beside the lots lost, receipts too: nothing is received past them, and the files give the indexes back ----

rm works/lots/*
expect 1 'must be compared with every other: the index of lot ONE is missing or damaged' receive NEXT.1
manifest ONE 2 a
expect 1 'the index of lot TWO is missing or damaged' receive ONE.2
anew ONE
expect 1 'must be compared with every other: the index of lot TWO is missing or damaged' receive NEXT.1
expect 1 'you expect 3' birthmark lot receive TWO.1 --vendor Silicon --expect 3
anew TWO
expect 0 '"state":"pinned"' birthmark lot receive NEXT.1 --vendor Silicon --json
serve
expect 0 '' enrol b.pem
expect 0 '"issued":2' birthmark lot reconcile ONE --json

# ---- its signer was retired since: the lot stays, and so does the way back to its index ----

manifest LAST 1 a
birthmark vendor retire Silicon --signer maker.pub >>init.log
expect 1 'was retired' receive LAST.1
index=$(index_of NEXT)
cp "$index" NEXT.index && rm "$index"
unserve
serve
anew NEXT

# ---- a recall does not wait for an index, and says what it cannot tell ----

rm "$index"
unserve
serve
expect 3 'it is recorded, but which identities are to be revoked cannot be told: the index of lot NEXT is missing' birthmark lot withdraw NEXT
expect 0 '"state":"withdrawn"' birthmark lot show NEXT --json
anew NEXT
expect 0 'no identity of theirs is left to revoke' birthmark lot withdraw NEXT
maker again
signer=again
birthmark vendor add Silicon --signer again.pub >>init.log

# ---- in a list that was superseded and in a later one that waits in quarantine: told of the later one ----

manifest TWO 2 c d b
expect 1 'stands in lot ONE too' receive TWO.2
expect 1 '^refused: lot TWO, which this chip is in .*, is in quarantine' enrol d.pem
unserve
expect 0 ': whole$' birthmark ledger verify
echo "regain: ok"
