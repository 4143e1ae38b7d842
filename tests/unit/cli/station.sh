#!/bin/bash
# station.sh - a factory's line: devices without a network get their identity over a link to a station, and prove it there.
#
#   station.sh SOURCE-ROOT BUILD-DIRECTORY
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

maker silicon
for n in 1 2 3 4 5 6 7 8; do chip "chip$n" "C-$n"; done
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
expect 1 'another key' birthmark station enrol line-1 --root "soft:$HOME/other.pem"

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
expect 0 '"state": *"done"' run chip2 --json
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

# ---- an order that names its station: the signer itself checks who spoke ----

birthmark station enrol line-2 --root "soft:$HOME/line-2.pem" >>setup.log # this machine is line-2 from here on
expect 1 'no station line-9' birthmark order open named --lot T-LOT --profile bench-1 --quantity 2 --station line-9
unserve
{
    birthmark lot sign chip7.der chip8.der --key silicon.key --vendor Silicon --lot T-LOT -o T-LOT.manifest
    birthmark lot receive T-LOT.manifest --vendor Silicon
    birthmark order open named --lot T-LOT --profile bench-1 --quantity 2 --station line-1
} >>setup.log
serve
expect 1 'order named is made at its own stations, and this request came by none of them' enrol chip7.pem
expect 1 '✗ unit 1  order named is made at its own stations' run chip7 # line-2
grep -q 'alarm' <<<"$said" || die "$said"
expect 0 station birthmark alarm list
expect 0 '✓ unit 1' run chip7 --root "soft:$BIRTHMARK_HOME/stations/line-1.key"
expect 0 'enrolled|✓' run chip1 # the first order is made anywhere
unserve
serve # the order as the journal has it
expect 1 'order named is made at its own stations' run chip8
expect 0 '✓ unit 1' run chip8 --root "soft:$BIRTHMARK_HOME/stations/line-1.key"
unserve
expect 0 '' birthmark ledger verify
