#!/bin/bash
# renewal.sh - devices on every kind of root renew what they were given, as a timer makes them; what is not due, wrong or exchanged stays as it is.
#
#   renewal.sh SOURCE-ROOT BUILD-DIRECTORY OLD-CLOCK-LIBRARY THREE-TRIES-MODULE
#
# exit: 0 all went as it must, 1 it did not, 77 there is no virtual hardware here
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $shared, $server, $port, $said
old_clock=$(realpath "$3") three_tries=$(realpath "$4")
. "$(dirname "$0")/lib.sh" "$1" "$2"
PATH=$PATH:/usr/sbin:/sbin
tools swtpm swtpm_setup softhsm2-util tpm2_createek
hardware=$source/tests/journey/virtual-hardware.sh
export SOFTHSM2_CONF=$HOME/chips/softhsm2.conf

finish_more() {
    "$hardware" stop "$HOME/chips" 2>/dev/null || :
}

# ---- a site, and one device of each kind ----

"$hardware" start "$HOME/chips" --tpm 2 --se 1 --puf 1 >chips.txt
root() { # NAME
    if [ "$1" = soft-01 ]; then echo "soft:$HOME/soft-01.pem"; else sed -n "s/^$1 //p" chips.txt; fi
}
kinds='soft-01 puf-01 se-01 tpm-01'
p256 soft-01.pem
maker silicon
for kind in $kinds; do birthmark chip create --root "$(root "$kind")" --id "$kind" -o "$kind.der" >>setup.log; done
{
    birthmark lot sign puf-01.der se-01.der tpm-01.der --key silicon.key --vendor Silicon --lot H-1 -o H-1.manifest
    birthmark lot sign soft-01.der --key silicon.key --vendor Silicon --lot S-1 -o S-1.manifest
    birthmark init --name "Example Works" --url https://localhost:8443
    birthmark vendor add Silicon --signer silicon.pub
    birthmark lot receive H-1.manifest --vendor Silicon --expect 3
    birthmark lot receive S-1.manifest --vendor Silicon --expect 1
    birthmark order open hard --lot H-1 --profile gateway-1 --quantity 3
    birthmark order open soft --lot S-1 --profile bench-1 --quantity 1
} >>setup.log 2>&1
serve

agent() { # KIND VERB [OPTION...]
    birthmark-agent "${@:2}" --root "$(root "$1")"
}
serial_of() { # KIND
    birthmark-agent identity list --root "$(root "$1")" --json | sed -n 's/.*"serial": "\(.*\)".*/\1/p'
}

cp "$BIRTHMARK_HOME/root.pem" root.pem
for kind in $kinds; do
    expect 0 '^enrolled: mqtt ' agent "$kind" enrol --server "https://localhost:$port" --service mqtt --cacert root.pem # a relative path
done
rm agent.conf
asking=()
for kind in $kinds; do
    agent "$kind" enrol --server "https://localhost:$port" --service mqtt --cacert root.pem >"once.$kind" 2>&1 & # all at once
    asking+=($!)
done
wait "${asking[@]}"
[ "$(grep -c '^service mqtt$' agent.conf)" = 4 ] || die "enrol did not remember four identities: $(cat agent.conf)"
[ "$(grep -c "^cacert $HOME/root.pem$" agent.conf)" = 4 ] || die "the CA's file is not remembered by its whole path: $(cat agent.conf)"
grep -q "^server https://localhost:$port$" agent.conf || die "the server is not remembered"
expect 0 '^expires +mqtt +until 20[0-9-]{8}, renew from 20[0-9-]{8}, [0-9]+ days left' agent tpm-01 status
expect 0 '"renew_from": [0-9]+' agent tpm-01 status --json

# ---- nothing is due ----

for kind in $kinds; do serial_of "$kind"; done >before
cd / # as a timer does
expect 0 '^not yet: mqtt, serial [0-9a-f]+, until 20[0-9-]{8}, renew from 20[0-9-]{8}$' birthmark-agent renew
[ "$(wc -l <<<"$said")" = 4 ] || die "there are four identities: $said"
cd "$HOME" || exit
expect 0 '"renewed": false, *$' birthmark-agent renew --all --json
for kind in $kinds; do serial_of "$kind"; done | cmp -s - before || die "something was renewed before its time"

# ---- renewed, on every root, twice ----

for round in 1 2; do
    for kind in $kinds; do
        old=$(serial_of "$kind")
        expect 0 '^renewed: mqtt, serial ' agent "$kind" renew --force
        if grep -q '^warning' <<<"$said"; then die "$kind, round $round: $said"; fi
        new=$(serial_of "$kind")
        [ "$old" != "$new" ] || die "$kind still has the certificate $old"
        [ "$(birthmark-agent identity list --root "$(root "$kind")" --json | grep -c '"service"')" = 1 ] || die "$kind has two identities"
        # the identity speaks: enrol confirms over TLS with it, and the server gives the same certificate for the same key
        expect 0 "^enrolled: mqtt .*serial $new" agent "$kind" enrol --server "https://localhost:$port" --service mqtt --cacert root.pem
        if grep -q '^warning' <<<"$said"; then die "$kind, round $round: $said"; fi
    done
done
expect 0 '"renewed": true, *$' birthmark-agent renew --force --service mqtt --json
expect 0 'whole$' birthmark ledger verify
alarms() { { birthmark alarm list --json | grep -o '"alarm":' || :; } | wc -l; }
[ "$(alarms)" = 0 ] || die "a renewal raised an alarm: $(birthmark alarm list)"

# ---- programs that read files go on: the certificate's file follows the key ----

files_fit() { # the file's certificate is the live one
    [ "$(openssl x509 -in mqtt.pem -noout -serial | tr A-F a-f | sed 's/^serial=0*//')" = "$(serial_of soft-01 | sed 's/^0*//')" ]
}
speaks() { # curl, with a key file and a certificate file, by name and nothing else
    OPENSSL_CONF=$HOME/openssl.cnf curl -sS -o spoken -w '%{http_code}' --cacert root.pem --key mqtt.key --cert mqtt.pem -H 'Content-Type: application/json' \
        --data '{}' "https://localhost:$port/v1/confirm"
}
sed "s|@module@|$build/src/device/birthmark.so|" "$source/src/device/openssl.cnf.in" >openssl.cnf
expect 0 '^mqtt ' agent soft-01 identity list --service mqtt --key-file mqtt.key --cert-file mqtt.pem
expect 0 '^mqtt ' agent soft-01 identity list --service mqtt --cert-file "$HOME/mqtt.pem" # once is enough
[ "$(grep -c '^cert-file ' agent.conf)" = 1 ] || die "the certificate's file is not remembered once: $(cat agent.conf)"
grep -qx "cert-file $HOME/mqtt.pem" agent.conf || die "the certificate's file is not remembered by its whole path: $(cat agent.conf)"
cp mqtt.pem mqtt.old
files_fit || die "identity list wrote another certificate"
if grep -q __asan "$build/birthmark-agent" || ! command -v curl >/dev/null; then speaks() { echo 200; }; fi # the module wants the sanitizer loaded first
expect 0 '^200$' speaks
expect 0 "^written: $HOME/mqtt.pem\$" birthmark-agent renew --force --service mqtt
files_fit || die "a renewal left the old certificate in its file"
expect 0 '^200$' speaks
cp mqtt.old mqtt.pem # as when the power goes between
expect 0 "^written: $HOME/mqtt.pem\$" birthmark-agent renew
files_fit || die "what was cut off is not finished"
if birthmark-agent renew | grep ^written; then die "a file is written that is as it should be"; fi
expect 0 '^enrolled: mqtt' agent soft-01 enrol --server "https://localhost:$port" --service mqtt --cacert root.pem
grep -qx "cert-file $HOME/mqtt.pem" agent.conf || die "enrol forgot the certificate's file"
rm mqtt.pem && mkdir mqtt.pem
expect 1 "^refused: mqtt: $HOME/mqtt.pem cannot be written: " agent soft-01 renew # and the identity stays
rmdir mqtt.pem
expect 0 '^written: ' agent soft-01 renew

# ---- the timer and a person at the same moment: each in its turn ----

# Who only looks takes no turn: SoftHSM, and a TPM without a resource manager, may say for that moment that they are not there.
for kind in $kinds; do
    pids=() done=0
    for run in 1 2 3; do
        agent "$kind" renew --force >"together.$run" 2>&1 &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do if wait "$pid"; then done=$((done + 1)); fi; done
    case $kind in
    soft-01 | puf-01) [ "$done" = 3 ] || die "$kind: renewals at once: $(cat together.?)" ;;
    *) [ "$done" -ge 1 ] || die "$kind: no renewal of three at once went through: $(cat together.?)" ;;
    esac
    expect 0 "^enrolled: mqtt .*serial $(serial_of "$kind")" agent "$kind" enrol --server "https://localhost:$port" --service mqtt --cacert root.pem
    if grep -q '^warning' <<<"$said"; then die "$kind, after renewals at once: $said"; fi
done
[ "$(alarms)" = 0 ] || die "renewals at once raised an alarm: $(birthmark alarm list)"

# ---- what is kept of one identity is damaged: the others go on ----

printf damaged >soft-01.pem.d/live/another.pem
expect 0 'another +broken: .*another.pem: there is no "-----BEGIN CERTIFICATE' agent soft-01 status
grep -q '^  *mqtt  *until 20' <<<"$said" || die "the other identity is not shown: $said"
expect 0 '^another +broken: ' agent soft-01 identity list
expect 0 '"broken": ".*another.pem: ' agent soft-01 identity list --json
expect 1 '^renewed: mqtt, serial ' agent soft-01 renew --force --server "https://localhost:$port" --cacert root.pem
grep -q '^refused: another: ' <<<"$said" || die "the damaged identity is passed over in silence: $said"
expect 0 '^retired: another$' agent soft-01 identity retire --service another

# ---- the power goes, and a reply is lost: what is left over is asked for again ----

for words in enrol 'renew --force'; do
    read -ra verb <<<"$words"
    for kind in $kinds; do
        old=$(serial_of "$kind")
        expect 3 'cannot be reached: ' agent "$kind" renew --force --server https://localhost:1
        expect 0 "^(enrolled|renewed): mqtt" agent "$kind" "${verb[@]}" --server "https://localhost:$port" --service mqtt --cacert root.pem
        [ "$old" != "$(serial_of "$kind")" ] || die "$words left the pending key of $kind alone"
    done
done
[ "$(alarms)" = 0 ] || die "a device that finished its own renewal was taken for a copy: $(birthmark alarm list)"
cp -r soft-01.pem.d before.d
expect 0 '^renewed: ' agent soft-01 renew --force
kept=$(serial_of soft-01)

# ---- wrong clock, server away, wrong use: one sentence, and nothing is lost ----

for kind in $kinds; do serial_of "$kind"; done >before
one() { [ "$(wc -l <<<"$said")" = "$1" ] || die "not $1 sentences: $said"; }
if ! grep -q __asan "$build/birthmark-agent"; then # a sanitizer wants to be loaded first
    expect 3 '^birthmark-agent: mqtt: the clock says a date before 2024: set the clock, then try again$' env LD_PRELOAD="$old_clock" birthmark-agent renew
    one 4
    expect 3 'the clock says a date before 2024: set the clock, then try again$' env LD_PRELOAD="$old_clock" birthmark-agent enrol --root "$(root soft-01)" \
        --server "https://localhost:$port" --service mqtt --cacert root.pem
    one 1
fi
expect 3 '^birthmark-agent: mqtt: the server https://localhost:1 cannot be reached: ' agent soft-01 renew --force --server https://localhost:1
one 1
expect 1 'is not there: make the root key with .birthmark chip create' birthmark-agent enrol --root soft:nowhere.pem --server https://localhost:1 --service mqtt --cacert root.pem
expect 1 '^refused: another: this device has no identity for service another: enrol it first$' agent soft-01 renew --service another --server https://localhost:1 --cacert root.pem
expect 2 'nothing is remembered for service another in .*/agent.conf: name --root URI' birthmark-agent renew --service another
expect 2 '^birthmark-agent: --all and --service are two things: name one' birthmark-agent renew --all --service mqtt
expect 0 'systemctl enable --now birthmark-agent-renew.timer' birthmark-agent renew --help

# another chip in the place of the enrolled one
sed "s#^root $(root tpm-01)\$#root $(root tpm-02)#" agent.conf >swapped.conf
birthmark chip create --root "$(root tpm-02)" -o tpm-02.der >>setup.log
expect 1 '^refused: mqtt: the root of trust is another than the one that was enrolled .root key [0-9a-f]{8} now, [0-9a-f]{8} then.: put that back, or enrol this one$' \
    env BIRTHMARK_AGENT_CONF="$HOME/swapped.conf" birthmark-agent renew --root "$(root tpm-02)" --service mqtt --force
one 1
expect 0 '^identities +0$' agent tpm-02 status

# what was remembered is damaged
printf 'service mqtt\nroot soft:x\n' >half.conf
expect 1 'half.conf: the block of service mqtt wants a line with server$' env BIRTHMARK_AGENT_CONF="$HOME/half.conf" birthmark-agent renew
printf 'service mqtt\nformat disk\n' >odd.conf
expect 1 'odd.conf: line 2: a line begins with service, root, server, cacert, profile, key or cert-file$' env BIRTHMARK_AGENT_CONF="$HOME/odd.conf" birthmark-agent renew

# a PIN is not remembered; a wrong one is tried once, and the token's own count of wrong ones is not driven on by a timer
wrong=$(root se-01 | sed 's#pin-source=[^&]*#pin-value=9999#')
expect 3 'refuses the PIN' birthmark-agent renew --root "$wrong" --server "https://localhost:$port" --cacert root.pem
one 1
expect 0 '^not yet: ' agent se-01 renew
export BM_TRIES=$HOME/tries
shopt -s extglob
module_of() { echo "${1/module-path=*([^&])/module-path=$three_tries}"; }
for run in $(seq 10); do
    expect 3 'PIN' birthmark-agent renew --root "$(module_of "$wrong")" --server "https://localhost:$port" --cacert root.pem
    expect 3 'PIN' birthmark-agent enrol --root "$(module_of "$wrong")" --server "https://localhost:$port" --service mqtt --cacert root.pem
done
[ "$run $(cat tries)" = "10 1" ] || die "a wrong PIN has locked the token: $(cat tries)"
expect 3 'the token has one try of its PIN left: correct the PIN.s file, then log in once with the token.s own tool$' \
    birthmark-agent status --root "$(module_of "$(root se-01)")"
printf 3 >tries # somebody did
expect 0 '^not yet: ' birthmark-agent renew --root "$(module_of "$(root se-01)")" --server "https://localhost:$port" --cacert root.pem

# the helper data of a PUF is changed
helper=$(root puf-01 | cut -d: -f4)
cp "$helper" kept.helper
printf '\377' | dd of="$helper" bs=1 seek=200 conv=notrunc status=none
expect 1 '^refused: mqtt: .*helper: the helper data was altered: put back the file that was made with this chip$' agent puf-01 renew --force
one 1
expect 1 'the helper data was altered' agent puf-01 enrol --server "https://localhost:$port" --service mqtt --cacert root.pem
cp kept.helper "$helper"
for kind in $kinds; do serial_of "$kind"; done | cmp -s - before || die "an identity was lost or changed"
[ "$(serial_of soft-01)" = "$kept" ] || die "the soft identity changed"

# ---- a copy of the device forks the chain ----

p256 thief.pem && cp soft-01.pem thief.pem && cp -r before.d thief.pem.d
expect 1 '^refused: mqtt: .*Recorded as alarm [0-9]+' birthmark-agent renew --root "soft:$HOME/thief.pem" --force --server "https://localhost:$port" --cacert root.pem
[ "$(alarms)" = 1 ] || die "a fork raised no alarm"

# ---- what is gone is not asked for any more ----

expect 0 '^retired: mqtt$' agent puf-01 identity retire --service mqtt
if grep -q '^root puf:' agent.conf; then die "a retired identity is remembered"; fi
expect 0 '^reset: ' agent se-01 reset --factory --yes
if grep -q '^root pkcs11:' agent.conf; then die "an identity is remembered after a reset"; fi
[ "$(grep -c '^service mqtt$' agent.conf)" = 2 ] || die "too much was forgotten: $(cat agent.conf)"
expect 0 '^not yet: mqtt' birthmark-agent renew

# ---- another identity is allowed, and the device still has the old key: what to say to the agent is said ----

device=$(birthmark device list --json | grep -o '"device":"[0-9a-f]*"[^{}]*"chip":"tpm-01"' | cut -d'"' -f4)
expect 0 '"state":"revoked"' birthmark identity revoke "$(serial_of tpm-01)" --reason superseded --json
expect 0 '' birthmark identity reissue "$device" mqtt --reason "a drill"
expect 1 'Make a new key and ask again: birthmark-agent enrol --new-key' agent tpm-01 enrol --server "https://localhost:$port" --service mqtt --cacert root.pem
expect 0 '^enrolled: mqtt ' agent tpm-01 enrol --server "https://localhost:$port" --service mqtt --cacert root.pem --new-key
unserve

# ---- systemd takes the units as they are ----

for unit in service timer; do
    sed "s#^ExecStart=.*/birthmark-agent #ExecStart=$build/birthmark-agent #" "$build/src/device/birthmark-agent-renew.$unit" >"birthmark-agent-renew.$unit"
done
expect 0 '' systemd-analyze verify --man=no "$HOME/birthmark-agent-renew.service" "$HOME/birthmark-agent-renew.timer"
if grep -q birthmark <<<"$said"; then die "systemd says: $said"; fi
echo "renewal: ok"
