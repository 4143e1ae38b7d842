#!/bin/bash
# exact.sh - an order over half of a lot, and all of the lot's chips ask, from eight clients at once, some of them twice, and again until they are told yes or no,
# while signer and registrar are killed by -9 again and again: just as many units come out as were ordered, not one more and not one less.
#
#   exact.sh BUILD-DIRECTORY JOURNAL-CHECK        BM_LONG=1: 400 chips (10,000 without kills: tests/bench/exact_order.c)
#
# proves: FAULTS F2
# proves: FAULTS F4
#
# exit: 0 all held, 1 something did not
# shellcheck disable=SC1091,SC2154 # from there: $build, $work, $home, $server, $port
. "$(dirname "$0")/lib.sh" exact "$1"
check=$(realpath "$2")
chips=48 clients=8 pause=0.9
[ -z "${BM_LONG:-}" ] || { chips=400 pause=2; }
quantity=$((chips / 2))
killer='' workers=()

finish_more() {
    [ -z "$killer" ] || kill "$killer" 2>/dev/null || :
    local pid
    for pid in "${workers[@]}"; do kill "$pid" 2>/dev/null || :; done
}

# CHIP: until it is told yes or no; exit 3 is "ask again", and nothing else may come
settle() {
    local status try
    for try in $(seq 600); do
        status=0
        enrol "$1" --json >"$work/$2.out" 2>"$work/$2.err" || status=$?
        case $status in
        0) return 0 ;;
        1) grep -q 'is full' "$work/$2.err" || { echo "chip $1 was refused: $(cat "$work/$2.err")" >>"$work/wrong"; return 1; }
            return 1 ;;
        3) sleep 0.1 ;;
        *) echo "chip $1 ended with $status: $(cat "$work/$2.err")" >>"$work/wrong"; return 1 ;;
        esac
    done
    echo "chip $1 got no answer (try $try): $(cat "$work/$2.err")" >>"$work/wrong"
    return 1
}

# Its own chips, each fourth of them once more right away, and as many of its neighbour's at the same time as that one asks.
client() {
    local me=$1 i
    for i in $(seq "$me" $clients $chips); do
        if settle "$i" "client$me"; then echo "$i" >>"$work/got.$me"; fi
        if [ $((i / clients % 4)) = 0 ]; then
            settle "$i" "client$me" || :
            settle "$((i % chips + 1))" "client$me" || :
        fi
    done
}

kills() {
    local victim
    while :; do
        for victim in signer registrar; do
            sleep $pause
            kill -9 "$(child $victim)" 2>/dev/null && echo $victim >>"$work/killed"
        done
    done
}

site_make $chips $quantity
server_start
: >"$work/killed"
kills &
killer=$!
for me in $(seq $clients); do
    client "$me" &
    workers+=($!)
done
for pid in "${workers[@]}"; do wait "$pid"; done
workers=()
kill $killer
wait $killer 2>/dev/null || :
killer=''
[ ! -s "$work/wrong" ] || die "$(head -n 3 "$work/wrong")"

# ---- counted four times: by the devices, the journal, the store and the ledger ----

for _ in $(seq 100); do # the last kill may be a moment ago
    ! birthmark order list >/dev/null 2>&1 || break
    sleep 0.1
done
got=$(cat "$work"/got.* | sort -u | wc -l)
units=$(birthmark device list --json | grep -o '"device":' | wc -l)
used=$(birthmark order show o-1 --json | grep -o '"used": *[0-9]*' | grep -o '[0-9]*$')
[ "$got $units $used" = "$quantity $quantity $quantity" ] || die "$got chips were told yes, there are $units devices, the order counts $used: $quantity were ordered"
ok "$chips chips asked for $quantity units, $clients at a time, with $(grep -c signer "$work/killed") kills of the signer and $(grep -c registrar "$work/killed") of the registrar: $units were made"
closed=$(birthmark order close o-1 --json)
for word in "\"received\": *$chips" "\"units\": *$quantity" "\"issued\": *$quantity" "\"unused\": *$((chips - quantity))" '"over": *0'; do
    grep -qE "$word\b" <<<"$closed" || die "the balance does not say $word: $closed"
done
server_stop
cp "$home/signer/journal" "$work/journal"
"$check" "$work/journal" >"$work/signed" || die "the journal is wrong"
certificates=$(wc -l <"$work/signed")
! grep open "$work/signed" || die "an intent is still open"
expect 0 '' birthmark ledger verify
grep -q 'balances: 1 closed orders' "$work/out" || die "the balance is not verified: $(cat "$work/out")"
ok "$certificates certificates, replaced ones among them; the balance says the same as the ledger: $closed"
[ -s "$work/killed" ] || die "nothing was killed: the test tests nothing"
