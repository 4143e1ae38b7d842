#!/bin/bash
# screens.sh - keys that somebody else could have are refused at the door: printed ones, and RSA moduli that share a prime with any received before.
#
#   screens.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2129,SC2154,SC2164 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

weak=$build/tests/unit/cli/weak_chips
lot() { # NAME CHIP...
    local name=$1
    shift
    birthmark lot sign --key maker.key --vendor "Example Silicon" --lot "$name" "$@" -o "$name.manifest" >>init.log
}
receive() {
    birthmark lot receive "$1.manifest" --vendor "Example Silicon"
}
lists() { # how many lists of moduli are kept
    [ "$(find works/lots -name '*.rsa' | wc -l)" = "$1" ] || die "there are not $1 lists of moduli: $(ls works/lots)"
}

birthmark init --name "Example Works" --url https://localhost:8443 >init.log
maker maker
birthmark vendor add "Example Silicon" --signer maker.pub >>init.log
"$weak" a.der C-a 1 2
"$weak" b.der C-b 3 4
"$weak" c.der C-c 5 2
"$weak" d.der C-d 6 7
"$weak" e.der C-e 8 7
"$weak" f.der C-f 9 10
"$weak" t.der C-t

# good keys: received, their moduli kept, and how many were looked at written down
lot EX-001 a.der b.der
receive EX-001 >>init.log
lists 1
receipt=$(ls works/lots/*.receipt)
grep -E 'shared-factor' "$receipt" | grep -qw 2 || die "the receipt does not say that 2 moduli were compared: $(cat "$receipt")"
receive EX-001 >>init.log # the same file again is nothing new

# one that shares a prime with a chip of the first lot: alone it looks good, here it is refused and nothing of it stays
lot EX-002 f.der c.der
expect 0 'receivable' birthmark lot inspect EX-002.manifest --signer maker.pub --vendor "Example Silicon"
expect 1 'refused unless waived' birthmark lot inspect EX-002.manifest --vendor "Example Silicon"
grep -qE '^shared-factor +1  waivable  chip 1: an RSA modulus' <<<"$said" || die "the table does not show the finding: $said"
script -qec "stty cols 80; birthmark lot inspect EX-002.manifest --vendor 'Example Silicon'" /dev/null </dev/null >terminal || :
grep -q 'modulus' terminal || die "on a terminal there is no report: $(cat terminal)"
[ "$(tr -d '\r' <terminal | grep -v '^refused' | wc -L)" -le 80 ] || die "the report is wider than its terminal: $(cat terminal)"
grep -qE -- '--waive shared-factor proposes to let it pass' <<<"$said" || die "it does not say what to do: $said"
expect 1 'check shared-factor, the first chip 1: an RSA modulus shares a prime with one of chip 0 of lot EX-001' receive EX-002
lists 1

# two in one file
lot EX-003 d.der f.der e.der
expect 1 '2 of its 3 chips fail the check shared-factor, the first chip 0: .* chip 2 of lot EX-003' receive EX-003
lists 1

# a key that everybody has
lot EX-004 f.der t.der
expect 1 '1 of its 2 chips fail the check test-key, the first chip 1: .*its private key is the number 1' receive EX-004
lists 1

# a list that replaces the first and has its chips again: the same keys, in which nothing is shared
birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-001 --revision 2 a.der b.der f.der -o again.manifest >>init.log
expect 0 'receivable' birthmark lot inspect again.manifest --vendor "Example Silicon"

# another good one
lot EX-005 f.der
receive EX-005 >>init.log
lists 2

# a damaged list is said, and nothing is received past it
one=$(find works/lots -name '*.rsa' | head -n 1)
truncate -s -1 "$one"
lot EX-006 d.der
expect 3 "$(basename "$one"): is damaged: receive that lot's file again, which makes it anew" receive EX-006
lists 2

# nor past one that is away: the file of its lot makes it anew, and nothing else
rm works/lots/*.rsa
expect 3 '^birthmark: EX-006.manifest: the RSA keys of lot [0-9a-f]{8}... are not in .*: receive that lot.s file again' receive EX-006
for lot in EX-001 EX-005; do
    expect 0 'received already: ' receive $lot
    expect 0 'received already: nothing was changed' receive $lot
done
lists 2
lot EX-007 c.der # it shares a prime with a chip of EX-001
expect 1 'check shared-factor' receive EX-007
echo "screens: ok"
