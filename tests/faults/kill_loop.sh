#!/bin/bash
# kill_loop.sh - kill -9 before the first, second, third ... write, sync and send of issuing, in signer and registrar, until an enrolment comes through
# unharmed. After each: the device gets its certificate by asking again, nothing was lost, nothing was signed twice, nobody had to help. The same
# while an identity is renewed, while a lot is received, while a chip that is listed by its id alone is bound to a root key, and while a second person approves.
#
#   kill_loop.sh BUILD-DIRECTORY JOURNAL-CHECK ID-CHIPS issue|receive|renew|bind|approve...         BM_LONG=1: every single write of the registrar
#                                                                        BM_TOKEN=1: the CA's keys are in a token (SoftHSM)
#
# What this shows and what not: a killed process loses its memory, not what it has handed to the kernel. So this proves the order of the steps
# (nothing leaves before it is written, every step can be taken up again) and not their durability: a power cut also takes what no fdatasync has
# reached. That fdatasync comes before each answer is shown by failing_disk.c and by the order of the calls, seen here too.
#
# proves: FAULTS F1
# proves: FAULTS F2
# proves: FAULTS F3
# proves: FAULTS F4
#
# exit: 0 all held, 1 something did not, 77 strace cannot attach here
# shellcheck disable=SC1091,SC2154 # from there: $build, $work, $home, $server, $port, $said, $passed
. "$(dirname "$0")/lib.sh" kill-loop "$1"
check=$(realpath "$2") id_chips=$(realpath "$3")
shift 3
command -v strace >/dev/null || skip "strace is not installed"
sleep 60 & sleeper=$!
strace -o /dev/null -p $sleeper -e trace=none 2>"$work/attach" & tracer=$!
sleep 0.3
kill $tracer 2>/dev/null || skip "strace may not attach to another process here: $(cat "$work/attach")"
wait $tracer 2>/dev/null || :
kill $sleeper

step=7
[ -z "${BM_LONG:-}" ] || step=1
chips=60
[ -z "${BM_LONG:-}" ] || chips=120
if [ -n "${BM_TOKEN:-}" ]; then # the CA's keys are their keeper's
    command -v softhsm2-util >/dev/null || skip "softhsm2-util is not installed"
    export SOFTHSM2_CONF=$work/softhsm2.conf
    mkdir "$work/tokens"
    printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$SOFTHSM2_CONF"
    softhsm2-util --init-token --free --label ca --so-pin 12345678 --pin 5678 >/dev/null
    printf 5678 >"$work/pin"
    birthmark init --name "Fault Works" --url https://localhost:8443 --token "pkcs11:token=ca?pin-source=$work/pin" >/dev/null
    site_fill $chips $chips
else
    site_make $chips $chips
fi
chip=0 killed=0 lots=0 pairs=0 renewals=0 order=o-1

serials() { # of the store, as it is
    birthmark identity list --json | grep -o '"serial":"[0-9a-f]*"' | cut -d'"' -f4
}

serial() { # JSON
    grep -o '"serial": *"[0-9a-f]*"' <<<"$1" | cut -d'"' -f4
}

# What must hold between any two enrolments. SERIAL: what the device holds.
hold() {
    local held=$1 used units
    serials >"$work/stored"
    grep -qx "$held" "$work/stored" || die "the device holds $held, the store does not"
    cp "$home/signer/journal" "$work/journal"
    "$check" "$work/journal" >"$work/signed" || die "the journal is wrong"
    ! grep -q open "$work/signed" || die "an intent is still open after recovery: $(grep open "$work/signed")"
    diff <(cut -d' ' -f1 "$work/signed" | sort) <(sort "$work/stored") >"$work/diff" || die "journal and store hold other certificates: $(cat "$work/diff")"
    used=$(birthmark order show $order --json | grep -o '"used":[0-9]*' | cut -d: -f2)
    units=$(birthmark device list --json | grep -o '"device":' | wc -l)
    [ "$used $units" = "$chip $chip" ] || die "$chip chips enrolled, the order counts $used, there are $units devices"
}

enrolled() { # CHIP: asks until it has its certificate, as a device does
    local try status
    for try in $(seq 120); do
        status=0
        enrol "$1" --json 2>"$work/enrol.err" || status=$?
        [ $status != 0 ] || return 0
        [ $status = 3 ] || die "the device was told to give up (exit $status, try $try): $(cat "$work/enrol.err")"
        sleep 0.1
    done
    die "the server did not come back by itself: $(cat "$work/enrol.err")"
}

# VICTIM CALL N WHAT: the server started, and the victim to be killed before its Nth such call while WHAT is done; then nothing is killed any more.
# False when no Nth call came.
under_threat() {
    local victim=$1 call=$2 nth=$3 pid tracer died=no
    server_start
    pid=$(child "$victim") || die "no $victim runs"
    strace -f -p "$pid" -o "$work/trace" -e "trace=$call" -e "inject=$call:signal=SIGKILL:when=$nth" 2>"$work/attach" &
    tracer=$!
    for _ in $(seq 100); do
        ! grep -q attached "$work/attach" || break
        kill -0 $tracer 2>/dev/null || skip "strace may not attach to a confined process here: $(cat "$work/attach")"
        sleep 0.02
    done
    "$4"
    kill -0 "$pid" 2>/dev/null || died=yes
    kill $tracer 2>/dev/null || :
    wait $tracer 2>/dev/null || :
    [ $died = yes ] || return 1
    killed=$((killed + 1))
}

# One chip enrolled and confirmed. Confirmations count too: only then is it sure that no Nth call came.
issue() {
    chip=$((chip + 1))
    [ "$chip" -le $chips ] || die "more steps than chips"
    first=$(enrolled $chip)
    for _ in $(seq 60); do
        again=$(enrolled $chip)
        ! grep -q '"confirmed": *true' <<<"$again" || break
    done
}

issue_hold() {
    [ "$(serial "$first")" = "$(serial "$again")" ] || die "asking again gives another certificate: $first / $again"
    grep -q '"confirmed": *true' <<<"$again" || die "the device has not confirmed what it holds: $again"
    hold "$(serial "$first")"
}

# The one chip's identity renewed, whatever was killed meanwhile, and confirmed.
renew() {
    local try status more=--force
    for try in $(seq 120); do
        status=0
        # shellcheck disable=SC2086 # none or one word
        again=$("$build/birthmark-agent" renew $more --service mqtt --root "soft:$work/c1.pem" --server "https://localhost:$port" --cacert "$home/root.pem" --json \
            2>"$work/renew.err") || status=$?
        [ $status = 0 ] || [ $status = 3 ] || die "the device was told to give up (exit $status, try $try): $(cat "$work/renew.err")"
        if [ $status = 0 ] && grep -q '"confirmed": *true' <<<"$again"; then return 0; fi
        [ $status != 0 ] || more= # renewed: what is left is to say that it arrived
        [ $status = 0 ] || sleep 0.1
    done
    die "the device's renewal does not end: $again $(cat "$work/renew.err")"
}

renew_hold() {
    local held device
    held=$("$build/birthmark-agent" identity list --root "soft:$work/c1.pem" --json | grep -o '"serial": *"[0-9a-f]*"' | cut -d'"' -f4)
    [ "$(wc -l <<<"$held")" = 1 ] || die "the device holds $held"
    device=$(birthmark identity list --state active --json | grep -F "\"serial\":\"$held\"" | grep -o '"device":"[0-9a-f]*"' | cut -d'"' -f4) || :
    [ -n "$device" ] || die "the device holds $held, which is not in use"
    [ "$(birthmark identity list "$device" --state active --json | grep -o '"serial":"[0-9a-f]*"' | cut -d'"' -f4)" = "$held" ] ||
        die "the device holds $held, and in use are: $(birthmark identity list "$device" --state active --json)"
    [ "$(birthmark alarm list --json --state open | grep -c '"kind":"fork"\|"kind":"clone"' || :)" = 0 ] || die "a renewal that was killed is taken for a copy"
    hold "$held"
    renewals=$((renewals + 1))
}

# One lot of one chip received. The person at the command asks again, too.
receive() {
    local status
    lots=$((lots + 1))
    birthmark chip create --root "soft:$work/lot$lots.pem" --id "X-$lots" -o "$work/lot$lots.der" >/dev/null
    birthmark lot sign "$work/lot$lots.der" --key "$work/maker.key" --vendor Maker --lot "X-$lots" -o "$work/X-$lots" >/dev/null
    for _ in $(seq 60); do
        status=0
        said=$(birthmark lot receive "$work/X-$lots" --vendor Maker --expect 1 2>&1 >/dev/null) || status=$?
        if [ $status = 0 ] || grep -q 'received before\|pinned already' <<<"$said"; then return 0; fi
        [ $status = 3 ] || die "lot X-$lots was refused (exit $status): $said"
        sleep 0.1
    done
    die "lot X-$lots can't be received: $said"
}

receive_hold() {
    birthmark lot show "X-$lots" --json | grep -q '"state":"pinned"' || die "lot X-$lots is not pinned"
    [ "$(birthmark lot list --json | grep -o '"lot":' | wc -l)" = $((lots + 1)) ] || die "there are more or fewer lots than were received"
    birthmark order open "x-$lots" --lot "X-$lots" --profile bench-1 --quantity 1 >/dev/null || die "no order can be opened over lot X-$lots"
    "$build/birthmark-agent" enrol --root "soft:$work/lot$lots.pem" --server "https://localhost:$port" --service mqtt --cacert "$home/root.pem" >/dev/null ||
        die "the chip of lot X-$lots gets no certificate"
}

# Two chips say that they are the one of this id, both with the vendor's certificate. The first asks and may lose its answer; then the copy asks, then the first
# again: whoever spoke before the kill is bound, and the other never gets anything.
bind() {
    chip=$((chip + 1))
    [ "$chip" -le $chips ] || die "more steps than chips"
    enrol_id id $chip >/dev/null 2>&1 || :
    copy=$(settled copy)
    original=$(settled id)
}

enrol_id() { # id | copy, N
    "$build/birthmark-agent" enrol --root "soft:$work/$1-$2.pem" --server "https://localhost:$port" --service mqtt --cacert "$home/root.pem" --json
}

settled() { # id | copy: what it gets at last, or nothing where it is refused
    local try status
    for try in $(seq 120); do
        status=0
        enrol_id "$1" $chip 2>"$work/enrol.err" || status=$?
        [ $status = 3 ] || break
        sleep 0.1
    done
    [ $status = 0 ] && return 0
    grep -q 'by another root key' "$work/enrol.err" || die "$1-$chip ended with $status (try $try): $(cat "$work/enrol.err")"
}

bind_hold() {
    local winner=id loser=copy again held=$original
    if [ -z "$original" ]; then winner=copy loser=id held=$copy; fi
    [ -z "$original" ] || [ -z "$copy" ] || die "two root keys got a certificate for one id: $original / $copy"
    [ -n "$held" ] || die "neither the chip nor its copy got a certificate"
    [ $winner = copy ] || first_won=$((first_won + 1))
    again=$(settled $winner)
    [ "$(serial "$held")" = "$(serial "$again")" ] || die "asking again gives another certificate: $held / $again"
    [ -z "$(settled $loser)" ] || die "the other one of chip $chip got a certificate at last"
    hold "$(serial "$held")"
}

# A lot in quarantine, and the second person's word that it may leave. They ask again, too, until the answer has come.
pair_make() {
    local key=$work/q$pairs
    birthmark chip create --root "soft:$key.pem" --id "Q-$pairs" -o "$key.der" >/dev/null
    birthmark chip create --root "soft:$key.pem" --id "R-$pairs" -o "$key-other.der" >/dev/null
    birthmark lot sign "$key.der" --key "$work/maker.key" --vendor Maker --lot "Q-$pairs" -o "$key.lot" >/dev/null
    birthmark lot sign "$key-other.der" --key "$work/maker.key" --vendor Maker --lot "R-$pairs" -o "$key-other.lot" >/dev/null
    birthmark lot receive "$key.lot" --vendor Maker --operator admin >/dev/null
    birthmark lot receive "$key-other.lot" --vendor Maker --operator admin >/dev/null 2>&1 || :
    birthmark lot release "Q-$pairs" --reason "a drill" --operator admin --json | grep -o '"proposal":[0-9]*' | cut -d: -f2 >"$work/proposal"
}

state() { # lot | proposal, NAME
    birthmark "$1" show "$2" --json | grep -o '"state":"[a-z]*"' | head -n 1 | cut -d'"' -f4
}

whole() { # PROPOSAL: neither half of it without the other
    case $(state proposal "$1")+$(state lot "Q-$pairs") in
    open+quarantined | approved+pinned) return 0 ;;
    *) die "proposal $1 is $(state proposal "$1") and the lot Q-$pairs is $(state lot "Q-$pairs")" ;;
    esac
}

approve() {
    local status n try
    n=$(cat "$work/proposal")
    for try in $(seq 120); do
        status=0
        said=$(birthmark proposal approve "$n" --operator ben 2>&1 >/dev/null) || status=$?
        if [ $status = 0 ] || grep -q 'is approved already' <<<"$said"; then return 0; fi
        [ $status = 3 ] || die "proposal $n was refused (exit $status): $said"
        sleep 0.1
        asked=0 said=$(birthmark lot list --json 2>&1) || asked=$?
        [ $asked != 0 ] || whole "$n" # else the server is not back yet
    done
    die "proposal $n cannot be approved (try $try): $said"
}

approve_hold() {
    local n
    n=$(cat "$work/proposal")
    [ "$(state proposal "$n")+$(state lot "Q-$pairs")" = approved+pinned ] || die "approved, and yet: $(state proposal "$n") and $(state lot "Q-$pairs")"
    expect 1 "~is approved already" birthmark proposal approve "$n" --operator ben >/dev/null
    [ "$(birthmark alarm list --json --state open | grep -c "proposal $n" || :)" = 0 ] || die "an alarm stands for proposal $n"
    pairs=$((pairs + 1))
    pair_make
}

# WHAT STEP: over all victims and calls
over_all() {
    local what=$1 step=$2 victim call nth
    for victim in signer registrar; do
        for call in pwrite64 fdatasync sendmsg; do
            nth=1
            while under_threat $victim $call $nth "$what"; do
                "${what}_hold"
                server_stop
                if [ $victim$call = registrarpwrite64 ]; then nth=$((nth + step)); else nth=$((nth + 1)); fi
            done
            "${what}_hold"
            server_stop
            ok "$what: $victim killed before each $call, up to the ${nth}th"
            [ $nth -gt 1 ] || die "no $call of the $victim was met: the test tests nothing"
        done
    done
}

# All processes at once, the server with its children, somewhere between the request and the answer: it wakes with both halves or with none.
approve_all_killed() {
    local round pids
    for round in $(seq 12); do
        server_start
        mapfile -t pids < <(ps -o pid= --ppid "$server")
        birthmark proposal approve "$(cat "$work/proposal")" --operator ben >/dev/null 2>&1 &
        sleep "0.$(printf %03d $((round * 2 - 2)))"
        kill -9 "$server" "${pids[@]}" 2>/dev/null || :
        wait "$server" 2>/dev/null || :
        wait $! 2>/dev/null || :
        server_start
        whole "$(cat "$work/proposal")"
        [ "$(state lot "Q-$pairs")" != pinned ] || held=$((held + 1))
        approve
        approve_hold
        server_stop
    done
}

for what; do
    case $what in
    issue) over_all issue $step ;;
    receive) over_all receive $((step == 1 ? 1 : 19)) ;;
    renew)
        server_start
        issue
        server_stop
        over_all renew $step
        ok "renew: $renewals renewals, and one identity is in use"
        ;;
    bind)
        "$id_chips" "$work" $chips
        birthmark vendor add Chips --signer "$work/signer.pem" --root "$work/root.pem" --format microchip >/dev/null
        birthmark lot receive "$work/chips.json" --vendor Chips --lot EXAMPLE1-IDS --expect $chips >/dev/null
        birthmark order open o-ids --lot EXAMPLE1-IDS --profile gateway-1 --quantity $chips >/dev/null
        chip=0 order=o-ids first_won=0
        over_all bind $step
        [ $first_won -gt 0 ] || die "the first root key was never bound"
        ok "of $chip chips $first_won went to the key that was killed while it asked, $((chip - first_won)) to the one that came next, none to both"
        ;;
    approve)
        openssl genpkey -algorithm ed25519 -out "$work/ben.key" && openssl pkey -in "$work/ben.key" -pubout -out "$work/ben.pub"
        birthmark operator add ben --role custodian --key "$work/ben.pub" --operator admin >/dev/null
        install -m 600 "$work/ben.key" "$home/operators/ben.key"
        pair_make
        over_all approve $step
        held=0
        approve_all_killed
        ok "approve: all processes killed 12 times, $held times it was on record before the answer was read"
        ;;
    *) die "there is no $what to kill" ;;
    esac
done
expect 0 '' birthmark ledger verify
grep -q ': whole$' "$work/out" || die "the ledger is not whole"
ok "$killed kills, $chip devices, $lots lots, and the ledger is whole: $(tail -n 1 "$work/out")"
