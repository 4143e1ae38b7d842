# lib.sh - what these tests share: a home of their own, a server in it, chips in software, and what a command must say. Sourced by bash.
#
#   . lib.sh SOURCE-ROOT BUILD-DIRECTORY     makes $HOME and goes there; sets $source, $build; ends the server and removes $HOME at exit
# shellcheck shell=bash disable=SC2034
set -euo pipefail
name=$(basename "$0" .sh)
source=$(realpath "$1") build=$(realpath "$2")
shared=${BM_SHARED:-$source/../shared}
HOME=$(mktemp -d "/tmp/birthmark-$name-XXXXXX")
export HOME BIRTHMARK_HOME=$HOME/works PATH=$build:$PATH
export BIRTHMARK_AGENT_CONF=$HOME/agent.conf # never the machine's own
server='' port='' said=''
cd "$HOME"

finish() {
    local status=$?
    trap - EXIT
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || :
        wait "$server" 2>/dev/null || :
    fi
    if declare -f finish_more >/dev/null; then finish_more; fi
    if [ $status = 0 ] || [ $status = 77 ]; then
        rm -rf "$HOME"
    else
        tail -n 5 "$HOME"/*.log >&2 || :
        echo "$name: failed; what it left is in $HOME" >&2
    fi
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

die() {
    echo "$name: $*" >&2
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

tools() { # TOOL...: without one of them the test is skipped
    local tool
    for tool; do command -v "$tool" >/dev/null || skip "$tool is not installed"; done
}

needs_roots() { # KIND...: without one of them built in the test is skipped
    local kind
    for kind; do grep -qw "$kind" "$build/roots.txt" || skip "this build has no roots of trust of kind $kind (option roots)"; done
}
needs_roots "${wants_root:-soft}"

expect() { # STATUS PATTERN COMMAND...: its exit status, and what it says on either stream (kept in $said)
    local want=$1 pattern=$2 status=0
    shift 2
    said=$("$@" 2>&1) || status=$?
    [ $status = "$want" ] || die "$* ended with $status, not $want: $said"
    grep -qE -- "$pattern" <<<"$said" || die "$* did not say $pattern: $said"
}

same() { # EXPECTED COMMAND...: stdout, word for word
    local want=$1
    shift
    said=$("$@") || die "$* failed"
    [ "$said" = "$want" ] || die "$* said
$said
not
$want"
}

field() { # NAME COMMAND...: every value of that member in its --json, one a line, without quotes
    local member=$1
    shift
    "$@" --json | { grep -oE "\"$member\":(\"[^\"]*\"|[^],}]*)" || :; } | sed -E 's/^"[^"]*"://; s/^"(.*)"$/\1/'
}

# Times, devices and serial numbers are not the same twice.
plain() {
    "$@" | tr -d '\r' | sed -E 's/20[0-9-]{8}T[0-9:]{8}Z/TIME/g; s/\b[0-9a-f]{38,40}\b/SERIAL/g; s/\b[0-9a-f]{20}\b/DEVICE/g'
}

serve() { # the server, on a port that the kernel chooses
    local try
    : >serve.log
    birthmark serve --listen 127.0.0.1:0 >serve.log 2>&1 &
    server=$!
    for try in $(seq 400); do
        port=$(sed -n 's|^birthmark serves https://127.0.0.1:\([0-9]*\).*|\1|p' serve.log)
        if [ -n "$port" ]; then return 0; fi
        kill -0 "$server" 2>/dev/null || die "the server did not start"
        sleep 0.05
    done
    die "the server did not start in time ($try)"
}

unserve() { # in peace
    kill "$server"
    wait "$server" || die "the server did not end in peace"
    server=
}

enrol() { # ROOT [OPTION...]: a certificate for the device whose root key is in that file
    local root=$1
    shift
    birthmark-agent enrol --root "soft:$root" --server "https://localhost:$port" --service mqtt --cacert "$BIRTHMARK_HOME/root.pem" "$@"
}

p256() { # FILE...: new P-256 keys, such as an agent takes for a chip in software
    local file
    for file; do openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$file" 2>/dev/null && chmod 600 "$file"; done
}

maker() { # KEY...: Ed25519 keys that sign lots, KEY.key, and their public halves, KEY.pub
    local key
    for key; do openssl genpkey -algorithm ed25519 -out "$key.key" && openssl pkey -in "$key.key" -pubout -out "$key.pub"; done
}

chip() { # ROOT ID: a chip's record, ROOT.der, from its key ROOT.pem, which is made where there is none
    [ -e "$1.pem" ] || p256 "$1.pem"
    birthmark chip create --root "soft:$1.pem" --id "$2" -o "$1.der" >>chips.log
}
