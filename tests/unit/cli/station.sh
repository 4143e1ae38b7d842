#!/bin/bash
# station.sh - a factory's line: devices without a network get their identity over a link to a station, and prove it there.
#
#   station.sh SOURCE-ROOT BUILD-DIRECTORY
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

maker silicon
for n in 1 2 3 4 5 6 7 8 9; do chip "chip$n" "C-$n"; done
{
    birthmark lot sign chip[1-5].der --key silicon.key --vendor Silicon --lot S-LOT -o S-LOT.manifest
    birthmark init --name "Example Works" --url https://localhost:8443
    birthmark vendor add Silicon --signer silicon.pub
    birthmark lot receive S-LOT.manifest --vendor Silicon --expect 5
} >setup.log 2>&1

# ---- a station, and orders ----

expect 2 'wants|NAME' birthmark station enrol
expect 1 'no station yet' birthmark station run --order boards --link exec:true --service mqtt
expect 0 'line-1' birthmark station enrol line-1
openssl verify -purpose sslserver -verify_hostname station.birthmark.invalid -CAfile works/root.pem -untrusted works/stations/line-1.pem \
    works/stations/line-1.pem >verify.log
openssl verify -purpose sslclient -CAfile works/root.pem -untrusted works/stations/line-1.pem works/stations/line-1.pem >>verify.log
openssl x509 -in works/stations/line-1.pem -noout -pubkey >before.pub
expect 0 'line-1' birthmark station enrol line-1 # the certificate anew, the key stays
openssl x509 -in works/stations/line-1.pem -noout -pubkey | cmp - before.pub
expect 1 'there is a station or an operator line-1 with another key' birthmark station enrol line-1 --root "soft:$HOME/other.pem"
expect 0 'line-1 +station' birthmark operator list

birthmark order open boards --lot S-LOT --profile bench-1 --quantity 5 >>setup.log
serve

link() { # CHIP: its agent, as a line to it
    echo "exec:birthmark-agent link --stdio --root soft:$HOME/$1.pem --cacert $BIRTHMARK_HOME/root.pem"
}
run() { # CHIP [OPTION...]
    local chip=$1
    shift
    birthmark station run --order boards --service mqtt --server "https://localhost:$port" --link "$(link "$chip")" "$@"
}

used() { # ORDER: units used and left
    birthmark order show "$1" | sed -nE 's/^(used|left) +//p' | xargs
}

# ---- units ----

expect 0 '✓ unit 1  mqtt  software' run chip1
grep -q 'order boards: 1 of 1 done, yield 100.0 %, takt' <<<"$said" || die "$said"
[ "$(grep -c warning <<<"$said")" = 0 ] || die "$said"
serial=$(birthmark-agent identity list --root "soft:$HOME/chip1.pem" --json | sed -n 's/.*"serial": "\(.*\)".*/\1/p')
expect 0 "certificate $serial" run chip1 # again: the same key, the same certificate
expect 0 ' active ' birthmark identity list "$(field device birthmark device list)"
expect 1 '✗ unit 1  this chip is in no received lot' run chip6
grep -q '0 of 1 done, yield 0.0 %' <<<"$said" || die "$said"
expect 1 '"yield": *0' run chip6 --json
expect 0 '"unit":1,"state":"done"' run chip2 --json
[ "$(grep -c '^{"unit":1,"state":"done",' <<<"$said")$(grep -c '^{"order":"boards","units":1,"done":1,"red":0,' <<<"$said")" = 11 ] || die "$said"
expect 3 'cannot be reached' birthmark station run --order boards --service mqtt --server https://localhost:1 --link "$(link chip3)"
expect 3 '✗ unit 1  ' birthmark station run --order boards --service mqtt --server "https://localhost:$port" --link exec:true
expect 2 'exec:COMMAND or tcp:HOST:PORT' birthmark station run --order boards --service mqtt --link serial

# ---- a line of boards, each behind the same command ----

cat >board.sh <<'EOF'
n=$(cat "$HOME/board") && echo $((n + 1)) >"$HOME/board"
exec birthmark-agent link --stdio --root "soft:$HOME/chip$n.pem" --cacert "$BIRTHMARK_HOME/root.pem"
EOF
echo 3 >board
expect 1 'order boards: 3 of 4 done, yield 75.0 %' birthmark station run --order boards --service mqtt --count 4 \
    --server "https://localhost:$port" --link "exec:sh $HOME/board.sh"
[ "$(grep -c '^✓' <<<"$said")" = 3 ] || die "$said"
same 5 sh -c "birthmark device list --json | grep -o '\"device\"' | wc -l"

# ---- the order that the station says, and no other ----

unserve
{
    birthmark lot sign chip7.der chip8.der chip9.der --key silicon.key --vendor Silicon --lot T-LOT -o T-LOT.manifest
    birthmark lot receive T-LOT.manifest --vendor Silicon
    birthmark order open first --lot T-LOT --profile bench-1 --quantity 1
    birthmark order open second --lot T-LOT --profile bench-1 --quantity 9
} >>setup.log
serve
order() { # ORDER CHIP [OPTION...]
    local order=$1 chip=$2
    shift 2
    birthmark station run --order "$order" --service mqtt --server "https://localhost:$port" --link "$(link "$chip")" "$@"
}
expect 1 '✗ unit 1  there is no order none here' order none chip7
expect 1 '✗ unit 1  order boards is not for lot T-LOT' order boards chip7
expect 1 '✗ unit 1  order second does not allow profile other' order second chip7 --profile other
expect 0 '✓ unit 1' order second chip7 # the later one, which nobody but a station could choose
expect 0 '✓ unit 1' order second chip7 # again: no second unit
expect 1 '✗ unit 1  device [0-9a-f]{20} .* was counted under another order than first' order first chip7
expect 0 '✓ unit 1' order first chip8
expect 1 '✗ unit 1  order first is full: 1 of 1 units are made' order first chip9
expect 0 '✓ unit 1' order first chip8 # a unit that is counted goes on
same '1 0' used first
same '1 8' used second
expect 0 '' birthmark order close second
expect 1 '✗ unit 1  order second is closed' order second chip9
same 1 sh -c "birthmark device list --station line-1 --order second --json | grep -c '\"device\"'"
expect 0 'stations +line-1 1$' birthmark order show second

# ---- an order that names its station: the signer itself checks who spoke ----

birthmark station enrol line-2 --root "soft:$HOME/line-2.pem" >>setup.log # this machine is line-2 from here on
line1="soft:$BIRTHMARK_HOME/stations/line-1.key"
expect 1 'no station line-9' birthmark order open named --lot T-LOT --profile bench-1 --quantity 2 --station line-9
unserve
birthmark order open named --lot T-LOT --profile bench-1 --quantity 2 --station line-1 >>setup.log
serve
expect 1 'order named is made at its own stations, and this request came by line-2' order named chip9
grep -q 'Recorded as alarm' <<<"$said" || die "$said"
expect 0 'station .* came by line-2' birthmark alarm list
expect 0 '✓ unit 1' order named chip9 --root "$line1"
expect 0 'stations +line-1 1$' birthmark order show named
unserve
serve # the order as the journal has it
expect 1 'order named is made at its own stations, and this request came by line-2' order named chip9
expect 0 'enrolled|✓' run chip1 # the first order is made anywhere

# ---- a station that is none any more ----

expect 2 'a station is enrolled with the key of its own machine' birthmark operator add line-7 --role station
expect 1 'line-1 is a station' birthmark operator certify line-1

expect 0 'line-1 +enrolled +[0-9]+ ' birthmark station list
expect 1 "this key is station line-1's" birthmark station enrol line-3 --root "$line1"
expect 0 'line-1 +revoked' birthmark station revoke line-1
expect 1 'there is no station line-1' birthmark station revoke line-1
expect 1 'came by a station that is none of this site.s, or is none any more' order named chip9 --root "$line1"
expect 1 'came by a station that is none of this site.s, or is none any more' run chip1 --root "$line1"
grep -q 'Recorded as alarm' <<<"$said" || die "$said"
unserve
serve # and so the journal has it
expect 1 'none any more' run chip1 --root "$line1"
expect 0 '✓ unit 1' run chip1
expect 1 'there is no station line-1' birthmark order open more --lot T-LOT --profile bench-1 --quantity 2 --station line-1
unserve
expect 0 '' birthmark ledger verify
