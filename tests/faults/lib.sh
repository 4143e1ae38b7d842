# lib.sh - what the fault tests share: a site with chips in software below a directory of their own, its server, and its end. Sourced by bash.
#
#   . lib.sh NAME BUILD-DIRECTORY        makes $work, sets $build, $home; ends what was started and removes $work at exit
# shellcheck shell=bash
set -euo pipefail
name=$1
build=$(realpath "$2")
work=$(mktemp -d "/tmp/birthmark-$name-XXXXXX")
home=$work/home
export BIRTHMARK_HOME=$home BIRTHMARK_AGENT_CONF=$work/agent.conf
server='' port='' said=''
passed=0
grep -qw soft "$build/roots.txt" || { echo "skipped: this build has no roots of trust in software (option roots)"; exit 77; }

finish() {
    local status=$?
    trap - EXIT
    server_stop || :
    if declare -f finish_more >/dev/null; then finish_more; fi
    if [ $status = 0 ] || [ $status = 77 ]; then rm -rf "$work"; else echo "$name: failed; what it left is in $work" >&2; fi
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

die() {
    echo "$name: $*" >&2
    [ ! -s "$work/server.log" ] || tail -n 8 "$work/server.log" | sed 's/^/    /' >&2
    exit 1
}
ok() { passed=$((passed + 1)); echo "ok $passed - $1"; }
skip() { echo "skipped: $1"; exit 77; }

birthmark() { "$build/birthmark" "$@"; }

# STATUS SENTENCE COMMAND...: it ends so, and says just this on stderr (or, with a sentence that begins with ~, something that matches)
expect() {
    local want=$1 sentence=$2 status=0
    shift 2
    said=$("$@" 2>&1 >"$work/out") || status=$?
    [ "$status" = "$want" ] || die "$* ended with $status, not $want: $said"
    case $sentence in
    '~'*) grep -qE -- "${sentence#\~}" <<<"$said" || die "$* said: $said" ;;
    *) [ "$said" = "$sentence" ] || die "$* said: $said
    and not: $sentence" ;;
    esac
    ok "$(basename "$1") ${*:2:2}: ${sentence:-done}"
}

# CHIPS: a site with a lot L-1 of so many chips ($work/c1.pem ...), vendor Maker, and an order o-1 over QUANTITY of them
site_make() {
    birthmark init --name "Fault Works" --url https://localhost:8443 >/dev/null
    site_fill "$@"
}

site_fill() { # the same for a site that is there
    local i chips=()
    openssl genpkey -algorithm ed25519 -out "$work/maker.key" 2>/dev/null
    openssl pkey -in "$work/maker.key" -pubout -out "$work/maker.pub"
    for i in $(seq "$1"); do
        birthmark chip create --root "soft:$work/c$i.pem" --id "C-$i" -o "$work/c$i.der" >/dev/null
        chips+=("$work/c$i.der")
    done
    birthmark lot sign "${chips[@]}" --key "$work/maker.key" --vendor Maker --lot L-1 -o "$work/L-1.manifest" >/dev/null
    birthmark vendor add Maker --signer "$work/maker.pub" >/dev/null
    birthmark lot receive "$work/L-1.manifest" --vendor Maker --expect "$1" >/dev/null
    birthmark order open o-1 --lot L-1 --profile bench-1 --quantity "$2" >/dev/null
}

server_start() {
    local i
    : >"$work/server.log" # before the server is: the old one's port must not be read
    "$build/birthmarkd" --listen 127.0.0.1:0 --gates 1 >"$work/server.log" 2>&1 &
    server=$!
    for i in $(seq 400); do
        port=$(sed -n 's|^birthmark serves https://127.0.0.1:\([0-9]*\).*|\1|p' "$work/server.log")
        [ -z "$port" ] || return 0
        kill -0 "$server" 2>/dev/null || die "the server did not start"
        sleep 0.05
    done
    die "the server did not start in time ($i)"
}

server_stop() {
    [ -n "$server" ] || return 0
    kill "$server" 2>/dev/null || :
    wait "$server" 2>/dev/null || :
    server=
}

child() { # signer | registrar | gate: its process id
    local pid
    for pid in $(ps -o pid= --ppid "$server"); do
        case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || :) in "birthmark-$1 "*) echo "$pid"; return 0 ;; esac
    done
    return 1
}

enrol() { # CHIP [OPTION...]: once
    local chip=$1
    shift
    "$build/birthmark-agent" enrol --root "soft:$work/c$chip.pem" --server "https://localhost:$port" --service mqtt --cacert "$home/root.pem" "$@"
}
