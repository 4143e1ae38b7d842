#!/bin/bash
# journey.sh - the four steps on virtual hardware, as ./run plays them: to watch, and to copy from.
#
#   journey.sh --build DIR --state DIR [--once]
#
# Makes a chipmaker, a site, a server and an MQTT broker below the state directory, which it empties first. Nothing that it started
# outlives it. exit: 0 all went as it should, 1 something did not, 2 used wrongly, 3 a fault of the environment
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)

build='' state='' once=''
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=${2:?}; shift ;;
    --state) state=${2:?}; shift ;;
    --once) once=yes ;;
    *) sed -n 's/^# \{0,1\}//; 2,7p' "$0" >&2; exit 2 ;;
    esac
    shift
done
if [ -z "$build" ] || [ -z "$state" ]; then echo "journey: --build and --state are needed" >&2; exit 2; fi

tpms=10 elements=5 pufs=1 units=12
lot=EX-001 vendor="Example Silicon" order=demo-1 profile=gateway-1 service=mqtt

# ---- how it speaks ----

ok=$'ok' bar_width=12
if [ -t 1 ]; then ok=$'\033[32mok\033[0m'; fi

step() { # NAME TEXT
    printf ' %-20s %-66s %s\n' "$1" "$2" "${3-$ok}"
}

bar() { # NAME TEXT DONE OF: on a terminal only, over itself
    [ -t 1 ] || return 0
    local full=$(($3 * bar_width / $4))
    printf '\r %-20s %s %s%s %d/%d ' "$1" "$2" "$(printf '%*s' "$full" '' | tr ' ' '#')" "$(printf '%*s' $((bar_width - full)) '' | tr ' ' '.')" "$3" "$4"
}

bar_end() {
    [ ! -t 1 ] || printf '\r%100s\r' ''
}

fail() { # TEXT [LOG]
    bar_end
    echo "journey: $1" >&2
    if [ -n "${2:-}" ] && [ -s "$2" ]; then tail -n 15 "$2" | sed 's/^/    /' >&2; fi
    exit 1
}

seconds() {
    date +%s.%N
}

rate() { # COUNT SINCE
    awk -v n="$1" -v a="$2" -v b="$(seconds)" 'BEGIN { printf "%.0f/s", n / (b - a) }'
}

# ---- what it starts, and ends ----

pids=()
finish() {
    local status=$?
    trap - EXIT INT TERM
    for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null || true; done
    for pid in ${pids[@]+"${pids[@]}"}; do wait "$pid" 2>/dev/null || true; done
    "$here/virtual-hardware.sh" stop "$chips" 9>&- || true
    exit "$status"
}

free_port() {
    local port
    for port in $(shuf -i 20000-29999 -n 50); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "$port"; return; fi
    done
    fail "no free port on 127.0.0.1"
}

await() { # SECONDS WHAT COMMAND...: until it succeeds
    local until=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$until" ] || fail "$what did not come up" "$log/$what.log"
        sleep 0.05
    done
}

chips=$state/chips site=$state/site log=$state/log device=$state/device
if [ -d "$chips" ]; then "$here/virtual-hardware.sh" stop "$chips" || true; fi
rm -rf -- "$state"
mkdir -p "$state" "$log" "$device"
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export BIRTHMARK_HOME=$site BIRTHMARK_AGENT_CONF=$state/agent.conf SOFTHSM2_CONF=$chips/softhsm2.conf
PATH=$build:$PATH

# ---- 1: root identities ----

began=$(seconds)
"$here/virtual-hardware.sh" start "$chips" --tpm $tpms --se $((elements + 1)) --puf $pufs >"$state/all.txt" 9>&- ||
    { echo "journey: the virtual hardware does not start" >&2; exit 3; }
# The last secure element belongs to nobody's lot: it is the stranger of the second attack.
grep -v "^se-0*$((elements + 1)) " "$state/all.txt" >"$state/chips.txt"
read -r stranger_name stranger < <(grep "^se-0*$((elements + 1)) " "$state/all.txt")
# Somebody copied a TPM before its unit was made: the first attack.
clone_name=tpm-03
clone=$("$here/virtual-hardware.sh" clone "$chips" $clone_name 9>&- | awk '{print $2}')

total=$(wc -l <"$state/chips.txt")
files=()
while read -r name uri <&8; do
    bar "1 root identity" "$total chips" ${#files[@]} "$total"
    birthmark chip create --root "$uri" --id "$name" -o "$state/$name.der" >"$log/chip.log" 2>&1 || fail "chip $name has no root identity" "$log/chip.log"
    files+=("$state/$name.der")
done 8<"$state/chips.txt"
# The stranger has a root identity as well; nobody hands it over.
birthmark chip create --root "$stranger" -o "$state/stranger.der" >"$log/chip.log" 2>&1 || fail "the stranger has no root identity" "$log/chip.log"
bar_end
step "1 root identity" "$total chips: $tpms TPM 2.0, $elements secure elements, $pufs PUF ($(rate "$total" "$began"))"

# ---- 2: secure handover ----

openssl genpkey -algorithm ed25519 -out "$state/chipmaker.key" 2>/dev/null
openssl pkey -in "$state/chipmaker.key" -pubout -out "$state/chipmaker.pub"
birthmark lot sign --key "$state/chipmaker.key" --vendor "$vendor" --lot $lot "${files[@]}" -o "$state/$lot.manifest" >"$log/lot.log" 2>&1 ||
    fail "the chipmaker cannot sign its lot" "$log/lot.log"

port=$(free_port)
url=https://localhost:$port
birthmark init --name "Example Works" --url "$url" >"$log/init.log" 2>&1 || fail "the site cannot be made" "$log/init.log"
birthmark serve --listen "127.0.0.1:$port" >"$log/server.log" 2>&1 9>&- &
pids+=($!)
await 20 server curl -s --cacert "$site/root.pem" "$url/healthz"

birthmark vendor add "$vendor" --signer "$state/chipmaker.pub" >"$log/vendor.log" 2>&1 || fail "the chipmaker cannot be added" "$log/vendor.log"
birthmark lot receive "$state/$lot.manifest" --vendor "$vendor" --expect "$total" >"$log/lot.log" 2>&1 || fail "the lot is refused" "$log/lot.log"
step "2 secure handover" "lot $lot from \"$vendor\": $total chips, signature and tree"

# ---- 3: operational identities ----

birthmark order open $order --lot $lot --profile $profile --quantity $units >"$log/order.log" 2>&1 || fail "the order cannot be opened" "$log/order.log"

enrol() { # ROOT-URI
    birthmark-agent enrol --root "$1" --server "$url" --service $service --cacert "$site/root.pem"
}

began=$(seconds)
done_units=0
# Not in the chips' order: a line takes what the reel gives. Every kind of chip is among the twelve.
others=$((elements + pufs))
{ head -n $((units - others)) "$state/chips.txt"; tail -n $others "$state/chips.txt"; } >"$state/units.txt"
grep -q "^$clone_name " "$state/units.txt"
while read -r name uri <&8; do
    bar "3 operational id" "order $order for $units units of $profile" $done_units $units
    enrol "$uri" >"$log/enrol-$name.log" 2>&1 || fail "unit $name got no identity" "$log/enrol-$name.log"
    done_units=$((done_units + 1))
done 8<"$state/units.txt"
bar_end
step "3 operational id" "order $order for $units units of $profile    ############ $done_units/$units ($(rate $units "$began"))"

# ---- 4: on the device, and to a service ----

# By name, which the devices check; a bare system may have no name for itself.
broker=localhost
getent hosts $broker >/dev/null || broker=127.0.0.1

mqtt_port=$(free_port)
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout "$state/broker.key" -out "$state/broker.csr" 2>/dev/null
printf 'subjectAltName = DNS:localhost, IP:127.0.0.1\nextendedKeyUsage = serverAuth\n' >"$state/broker.ext"
openssl x509 -req -in "$state/broker.csr" -CA "$site/ca/server.pem" -CAkey "$site/ca/server.key" -CAcreateserial -CAserial "$state/broker.srl" -days 30 \
    -extfile "$state/broker.ext" -out "$state/broker.leaf.pem" 2>/dev/null
cat "$state/broker.leaf.pem" "$site/ca/server.pem" >"$state/broker.pem"
cat "$site/ca/operational.pem" "$site/root.pem" >"$state/broker-trusts.pem"
curl -sf --cacert "$site/root.pem" "$url/crl/operational.txt" -o "$state/lists" || fail "the server names no CRL" "$log/server.log"
xargs curl -sf --fail-early --cacert "$site/root.pem" <"$state/lists" >"$state/operational.crl.pem" || fail "the server gives no CRL" "$log/server.log"
cat >"$state/mosquitto.conf" <<CONF
per_listener_settings false
listener $mqtt_port 127.0.0.1
cafile $state/broker-trusts.pem
certfile $state/broker.pem
keyfile $state/broker.key
crlfile $state/operational.crl.pem
require_certificate true
use_identity_as_username true
allow_anonymous false
persistence false
log_dest stdout
CONF
# As root mosquitto becomes another user, who may not read the state directory.
if [ "$(id -u)" = 0 ]; then echo "user root" >>"$state/mosquitto.conf"; fi
mosquitto -c "$state/mosquitto.conf" >"$log/broker.log" 2>&1 9>&- &
pids+=($!)
await 10 broker bash -c "exec 3<>/dev/tcp/127.0.0.1/$mqtt_port"

say() { # ROOT-URI NAME
    mqtt_device --root "$1" --service $service --cacert "$site/root.pem" --host $broker --port "$mqtt_port" --topic "units/$2" --message "here I am"
}
PATH=$build/tests/journey:$PATH
stored=0
while read -r name uri <&8; do
    bar "4 on-device" "mutual TLS to the service" $stored $units
    birthmark-agent status --root "$uri" >"$log/status-$name.log" 2>&1 || fail "unit $name does not hold its identity" "$log/status-$name.log"
    say "$uri" "$name" >"$log/mqtt-$name.log" 2>&1 || fail "unit $name cannot connect to the broker" "$log/mqtt-$name.log"
    stored=$((stored + 1))
done 8<"$state/units.txt"
bar_end
# The broker wants more than a chip: one without an identity, or with nobody's certificate, is turned away.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=intruder -days 1 -keyout "$state/intruder.key" -out "$state/intruder.pem" 2>/dev/null
for with in "" "--cert $state/intruder.pem --key $state/intruder.key"; do
    # shellcheck disable=SC2086 # two words each
    if mosquitto_pub -h $broker -p "$mqtt_port" --cafile "$site/root.pem" $with -q 1 -t units/intruder -m hello >"$log/intruder.log" 2>&1; then
        fail "the broker let a stranger in" "$log/broker.log"
    fi
done
step "4 on-device" "$stored/$units stored in hardware, read back, mutual TLS to the service"

# One device renews before its time: a new key in its hardware, which the root key and the old key both speak for, and the broker takes it.
read -r name uri <"$state/units.txt"
birthmark-agent renew --root "$uri" --force >"$log/renew.log" 2>&1 || fail "unit $name cannot renew its identity" "$log/renew.log"
grep -q '^renewed: ' "$log/renew.log" || fail "unit $name was not renewed" "$log/renew.log"
say "$uri" "$name" >"$log/mqtt-$name.log" 2>&1 || fail "unit $name cannot connect with its new identity" "$log/mqtt-$name.log"
step "  renewed" "$name: a new key that root key and old key speak for, mutual TLS"

# ---- attacks ----

refused=0
refuse() { # WHAT COMMAND...: must be refused with exit 1 and a recorded sentence
    local what=$1 status=0
    shift
    "$@" >"$log/attack.out" 2>"$log/attack.log" || status=$?
    [ $status = 1 ] || fail "$what was not refused (exit $status)" "$log/attack.log"
    grep -q 'Recorded as alarm' "$log/attack.log" || fail "$what was refused and not recorded" "$log/attack.log"
    refused=$((refused + 1))
    sentences+=("$what"$'\n'"$(grep -o 'refused: .*' "$log/attack.log" | tail -n 1)")
}
sentences=()
thirteenth=$(sed -n "$((units - others + 1))p" "$state/chips.txt")
cp "$state/$lot.manifest" "$state/forged.manifest"
size=$(stat -c %s "$state/forged.manifest")
byte=$(od -An -tu1 -j $((size / 2)) -N 1 "$state/forged.manifest")
# shellcheck disable=SC2059 # the format is the byte
printf "\\$(printf %o $((byte ^ 1)))" | dd of="$state/forged.manifest" bs=1 seek=$((size / 2)) conv=notrunc status=none

refuse "a clone of $clone_name" enrol "$clone"
refuse "a chip of no lot ($stranger_name)" enrol "$stranger"
refuse "a 13th unit (${thirteenth%% *})" enrol "${thirteenth#* }"
refuse "a lot with one byte changed" birthmark lot receive "$state/forged.manifest" --vendor "$vendor"
step "  refused" "a clone of $clone_name · a chip of no lot · a 13th unit · a forged lot" "$refused/4"
for sentence in "${sentences[@]}"; do
    printf '%s\n' "$sentence" | sed '1s/^/     - /; 1s/$/:/; 2,$s/^/       /' | fold -s -w 118 | sed '2,$s/^\([^ ]\)/       \1/'
done

alarms=$(birthmark alarm list --json | grep -o '"alarm" *:' | wc -l)
[ "$alarms" = 4 ] || fail "$alarms alarms stand where 4 belong"
birthmark ledger verify >"$log/ledger.log" 2>&1 || fail "the ledger does not verify" "$log/ledger.log"
step "  ledger" "$(sed -n '1s/^ledger: //; 1s/, signed by.*/: whole, and signed by the site/p' "$log/ledger.log")"

if [ -n "$once" ]; then exit 0; fi
cat <<TEXT

The server runs at $url until Ctrl-C; the site's directory is $site. In another terminal:
    export BIRTHMARK_HOME=$site PATH=$build:\$PATH
    birthmark device list        birthmark alarm list        birthmark ledger show
TEXT
wait "${pids[0]}"
