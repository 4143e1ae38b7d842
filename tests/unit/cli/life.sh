#!/bin/bash
# life.sh - a device's life at a site: a broker turns a suspended device away and lets it back when resumed; revoked, repaired, given away, ended.
#
#   life.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not, 77 there is no broker here
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
PATH=$PATH:/usr/sbin:/sbin
tools mosquitto openssl curl mqtt_device

broker=''
finish_more() {
    if [ -n "$broker" ]; then kill "$broker" 2>/dev/null || :; fi
}

birthmark init --name "Living Works" --url https://localhost:8443 >init.log
maker maker
birthmark vendor add "Example Silicon" --signer maker.pub >>init.log
for n in 1 2 3 4; do chip "c$n" "C-$n"; done
{
    birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-001 c1.der c2.der c3.der -o EX-001.manifest
    birthmark lot sign --key maker.key --vendor "Example Silicon" --lot SPARE-1 c4.der -o SPARE-1.manifest
    birthmark lot receive EX-001.manifest --vendor "Example Silicon" --expect 3
    birthmark lot receive SPARE-1.manifest --vendor "Example Silicon" --expect 1
    birthmark order open first --lot EX-001 --profile bench-1 --quantity 3
    serve
    id_of() { field device birthmark device list --chip "$1"; }
    state_of() { field state birthmark device list --chip "$1"; }
    for n in 1 2 3; do expect 0 '^enrolled: mqtt ' enrol "c$n.pem"; done
    device=$(id_of C-1)
    [ "$(state_of C-1)" = onboarded ] || die "an enrolled and confirmed device is $(state_of C-1)"
    
    # ---- the recipe (docs/lifecycle.md): a broker that asks the site who is not to be let in ----
    
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout broker.key -out broker.csr 2>/dev/null
    printf 'subjectAltName = DNS:localhost, IP:127.0.0.1\nextendedKeyUsage = serverAuth\n' >broker.ext
    openssl x509 -req -in broker.csr -CA "$BIRTHMARK_HOME/ca/server.pem" -CAkey "$BIRTHMARK_HOME/ca/server.key" -CAcreateserial -CAserial broker.srl -days 30 \
        -extfile broker.ext -out broker.leaf.pem 2>/dev/null
    cat broker.leaf.pem "$BIRTHMARK_HOME/ca/server.pem" >broker.pem
} >>init.log
cat "$BIRTHMARK_HOME/ca/operational.pem" "$BIRTHMARK_HOME/root.pem" >trusts.pem
crl() {
    curl -sSf --cacert "$BIRTHMARK_HOME/root.pem" "https://localhost:$port/crl/operational.txt" >lists
    xargs curl -sSf --fail-early --cacert "$BIRTHMARK_HOME/root.pem" --connect-to "localhost:8443:localhost:$port" <lists >crl.pem
    [ "$(grep -c 'BEGIN X509 CRL' crl.pem)" = "$(wc -l <lists)" ] || die "not all of the lists are there"
}
brokered() { # the broker, with the newest list
    local try
    if [ -n "$broker" ] && kill "$broker"; then wait "$broker" || :; fi
    crl
    for try in $(seq 20); do
        mqtt_port=$((20000 + RANDOM % 20000))
        {
            printf 'listener %d 127.0.0.1\ncafile trusts.pem\ncertfile broker.pem\nkeyfile broker.key\ncrlfile crl.pem\n' $mqtt_port
            printf 'require_certificate true\nuse_identity_as_username true\nallow_anonymous false\npersistence false\nlog_dest stdout\n'
            if [ "$(id -u)" = 0 ]; then echo "user root"; fi
        } >mosquitto.conf
        mosquitto -c mosquitto.conf >"broker.log" 2>&1 &
        broker=$!
        for _ in $(seq 100); do
            if (exec 3<>"/dev/tcp/127.0.0.1/$mqtt_port") 2>/dev/null; then return 0; fi
            kill -0 "$broker" 2>/dev/null || break # the port is somebody's
            sleep 0.05
        done
    done
    die "the broker does not start ($try)"
}
say() { # ROOT
    timeout 20 mqtt_device --root "soft:$HOME/$1.pem" --service mqtt --cacert "$BIRTHMARK_HOME/root.pem" --host localhost --port "$mqtt_port" \
        --topic "units/$1" --message "here I am" >say.log 2>&1
}
let_in() { say "$1" || die "the broker turns $1 away: $(cat say.log broker.log)"; }
turned_away() { if say "$1"; then die "the broker lets $1 in"; fi; }

brokered
let_in c1
let_in c2
expect 0 '^state|state +suspended' birthmark device suspend "$device" --reason "stolen from the van, ticket 77"
brokered
openssl crl -in crl.pem -noout -text | grep -q 'Certificate Hold' || die "the list does not say that it is a hold: $(openssl crl -in crl.pem -noout -text)"
turned_away c1
let_in c2
expect 1 'is suspended' enrol c1.pem
expect 1 'is suspended' birthmark-agent renew --force --root "soft:$HOME/c1.pem" --server "https://localhost:$port" --cacert "$BIRTHMARK_HOME/root.pem"
expect 0 "$device" birthmark device list --state suspended
expect 0 '"state":"suspended"' birthmark identity list "$device" --json
expect 0 'state +onboarded' birthmark device resume "$device" --reason "found, ticket 77"
brokered
if openssl crl -in crl.pem -noout -text | grep -q 'Certificate Hold'; then die "the hold is still on the list"; fi
let_in c1
expect 0 '^renewed: ' birthmark-agent renew --force --root "soft:$HOME/c1.pem" --server "https://localhost:$port" --cacert "$BIRTHMARK_HOME/root.pem"
[ "$(state_of C-1)" = active ] || die "a device that renewed is $(state_of C-1)"
brokered
let_in c1

# ---- revoked: one of them, and nobody else ----

expect 0 'state +revoked' birthmark device revoke "$(id_of C-2)" --reason keyCompromise
brokered
turned_away c2
let_in c1
let_in c3
expect 1 'is revoked and gets no certificate again' enrol c2.pem
expect 1 'it is revoked: it can be repaired' birthmark device resume "$(id_of C-2)" --reason x

# ---- another chip ----

third=$(id_of C-3)
expect 1 'no chip of a received lot has this id' birthmark device repair "$third" --chip C-9 --reason "board replaced"
expect 1 "another device's" birthmark device repair "$third" --chip C-1 --lot EX-001 --reason "board replaced"
expect 0 'state +repaired' birthmark device repair "$third" --chip C-4 --lot SPARE-1 --reason "board replaced, ticket 91"
[ "$(id_of C-4) $(id_of C-3)" = "$third " ] || die "the device has not the new chip: $(birthmark device list)"
expect 1 'was taken out of its device' enrol c3.pem
birthmark order close first >>init.log # and it is not for the lot of the new chip: what is allowed for one device needs neither
expect 0 '^enrolled: mqtt ' enrol c4.pem
let_in c4
brokered
turned_away c3
let_in c4

# ---- another owner, though the order was closed ----

expect 0 'owner +Acme Water' birthmark device transfer "$device" --to "Acme Water" --reason "contract 12"
[ "$(state_of C-1)" = transferred ] || die "it is $(state_of C-1)"
expect 0 "$device" birthmark device list --owner "Acme Water"
brokered
turned_away c1
expect 0 '^reset: ' birthmark-agent reset --factory --yes --root "soft:$HOME/c1.pem"
expect 0 '^enrolled: mqtt ' enrol c1.pem
[ "$(state_of C-1)" = onboarded ] || die "it is $(state_of C-1)"
let_in c1

# ---- the end, and what the record says of it all ----

expect 0 'state +decommissioned' birthmark device decommission "$third" --reason "end of life"
expect 1 'is decommissioned and gets no certificate again' enrol c4.pem
expect 0 'erased: no word of the device' field reason birthmark device show "$third"
expect 0 'repaired' birthmark device show "$third"
[ "$(field move birthmark device show "$device" | tr '\n' ' ')" = 'confirm suspend resume renew transfer confirm ' ] ||
    die "the moves of $device are $(field move birthmark device show "$device")"
[ "$(birthmark device show "$device" | wc -l)" -le 24 ] || die "it does not fit on a screen: $(birthmark device show "$device")"
expect 0 'whole$' birthmark ledger verify

# ---- the store is made again from the signer's journal: the same records ----

birthmark device list --json >before
birthmark device show "$device" --json >>before
birthmark identity list --json >>before
unserve
rm -f "$BIRTHMARK_HOME"/store/*
birthmark site recover --reason "the store was lost" >>init.log
birthmark device list --json >after
birthmark device show "$device" --json >>after
birthmark identity list --json >>after
cmp before after || die "the store that was made again is another: $(diff before after)"
