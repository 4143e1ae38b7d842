#!/bin/bash
# ca_roll.sh - CAs and the root change under a running server while devices in the field go on: what they hold, what they renew, who takes them.
#
#   ca_roll.sh SOURCE-ROOT BUILD-DIRECTORY
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

# ---- a site with devices in the field ----

for n in 1 2 3 4; do chip "d$n" "chip-$n"; done
maker silicon
{
    birthmark lot sign d1.der d2.der d3.der --key silicon.key --vendor Silicon --lot L-1 -o L-1.manifest
    birthmark lot sign d4.der --key silicon.key --vendor Silicon --lot L-2 -o L-2.manifest
    birthmark init --name "Example Works" --url https://localhost:8443
    birthmark vendor add Silicon --signer silicon.pub
    birthmark lot receive L-1.manifest --vendor Silicon --expect 3
    birthmark lot receive L-2.manifest --vendor Silicon --expect 1
    birthmark order open one --lot L-1 --profile bench-1 --quantity 3
    birthmark order open two --lot L-2 --profile bench-1 --quantity 1 --product meter
} >setup.log 2>&1
mv works/ceremony root-1 # offline
serve
cp works/root.pem old.pem # what devices and services hold for good

agent() { # DEVICE VERB [OPTION...]
    birthmark-agent "${@:2}" --root "soft:$HOME/$1.pem"
}
enrolled() { # DEVICE [CAFILE]
    expect 0 '^enrolled: mqtt ' agent "$1" enrol --server "https://localhost:$port" --service mqtt --cacert "${2:-old.pem}"
    kept "$1"
}
kept() { # DEVICE: its chain, DEVICE.crt, and a key file that names it
    agent "$1" identity list --service mqtt --key-file "$1.key" --cert-file "$1.crt" >/dev/null
}
renewed() { # DEVICE
    expect 0 '^renewed: mqtt' agent "$1" renew --force
    kept "$1"
}
issuer() { openssl x509 -in "$1.crt" -noout -issuer -nameopt multiline | sed -n 's/^ *commonName *= //p'; }
serial() { openssl x509 -in "$1.crt" -noout -serial | sed 's/^serial=//'; }
under() { # DEVICE CAFILE: a service that has these roots alone takes the chain that the device shows
    openssl verify -purpose sslclient -CAfile "$2" -untrusted "$1.crt" "$1.crt" >/dev/null 2>verify.txt || die "$1 is not taken under $2: $(cat verify.txt)"
}
listed() { # NAME SERIAL: is it on a list of this CA? all of its lists are looked at
    local bucket
    for bucket in 0 1 2; do
        curl -sS --fail --cacert old.pem -o list.der "https://localhost:$port/crl/$1-$bucket.crl" 2>/dev/null ||
            curl -sS --fail --cacert old.pem -o list.der "https://localhost:$port/crl/$1.crl" 2>/dev/null || continue
        if openssl crl -inform DER -in list.der -noout -text | grep -qi "Serial Number: 0*${2#0}"; then return 0; fi
    done
    return 1
}
sed "s|@module@|$build/src/device/birthmark.so|" "$source/src/device/openssl.cnf.in" >openssl.cnf
tls() { # DEVICE CAFILE: mutual TLS with a service that has these roots alone
    local service status=0 try where=''
    if grep -q __asan "$build/birthmark-agent"; then return 0; fi # the module wants the sanitizer loaded first
    openssl s_server -accept 127.0.0.1:0 -cert works/gate/server.pem -cert_chain works/gate/server.pem -key works/gate/server.key -CAfile "$2" -Verify 6 -verify_return_error \
        -tls1_2 -www >service.out 2>&1 </dev/null &
    service=$!
    for try in $(seq 200); do
        where=$(sed -n 's/^ACCEPT 127.0.0.1:\([0-9]*\)$/\1/p' service.out)
        if [ -n "$where" ]; then break; fi
        sleep 0.05
    done
    [ -n "$where" ] || die "the service did not start ($try)"
    OPENSSL_CONF=$HOME/openssl.cnf openssl s_client -connect "127.0.0.1:$where" -CAfile old.pem -verify_return_error -cert "$1.crt" \
        -cert_chain "$1.crt" -key "$1.key" -tls1_2 </dev/null >client.out 2>&1 || status=$?
    kill "$service" 2>/dev/null || :
    wait "$service" 2>/dev/null || :
    [ $status = 0 ] || die "$1 has no TLS with a service under $2: $(tail -n 3 client.out service.out)"
}

for n in 1 2 3; do enrolled "d$n"; done
[ "$(issuer d1)" = "Operational CA 1" ] || die "the first CA is $(issuer d1)"
tls d1 old.pem
expect 0 . birthmark identity revoke "$(field device birthmark device list | sed -n 3p)" mqtt --reason keyCompromise
revoked=''
for n in 1 2 3; do if listed operational "$(serial "d$n")"; then revoked=d$n; fi; done
[ -n "$revoked" ] || die "who was revoked is on no list"
lives=''
for n in 1 2 3; do if [ "d$n" != "$revoked" ]; then lives="$lives d$n"; fi; done
read -r first second <<<"$lives"

# ---- an issuing CA is rolled under the running server, while devices ask ----

server_was=$server
(
    for try in $(seq 40); do
        curl -sS --fail --max-time 20 --cacert old.pem "https://localhost:$port/healthz" >/dev/null || echo "request $try was lost" >>lost
    done
) >asking.log 2>&1 &
asking=$!
expect 0 'birthmark ca ceremony DIR --sign operational-2.csr --class operational' birthmark ca roll operational --as operational-2
cp works/ca/operational-2.csr . # to where the root is
expect 0 'operational-2' birthmark ca ceremony root-1 --sign operational-2.csr --class operational
expect 0 'active' birthmark ca roll operational --as operational-2 --install root-1/issued/operational-2.pem
wait "$asking"
[ ! -e lost ] || die "somebody noticed: $(cat lost asking.log)"
kill -0 "$server_was" || die "the server was ended"
[ "$server" = "$server_was" ] || die "another server runs"
expect 0 'operational +.*retired' birthmark ca show
expect 0 '^\+- operational-2  CN=operational-2  until 20[0-9]{2}  active, 0 live' birthmark ca show
expect 0 '"ca": ?"operational-2".*"state": ?"active"' birthmark ca show --json

# the overlap: old and new side by side
tls "$first" old.pem
renewed "$first"
[ "$(issuer "$first")" = operational-2 ] || die "a renewal went to $(issuer "$first")"
[ "$(issuer "$second")" = "Operational CA 1" ] || die "nobody renewed $second"
for device in $first $second; do
    under "$device" old.pem
    tls "$device" old.pem
done
listed operational "$(serial "$revoked")" || die "the old CA's list forgot what was revoked"
if listed operational-2 "$(serial "$revoked")"; then die "the new CA lists what it did not issue"; fi
enrolled d4
[ "$(issuer d4)" = operational-2 ] || die "an enrolment went to $(issuer d4)"

# ---- a CA for one product, and one for one lot, which is narrower ----

expect 0 'product +meter' birthmark order show two
expect 0 '"product": ?null' birthmark order show one --json
expect 0 'active' birthmark ca make meters --class operational --product meter --root root-1
expect 0 'meters .*active, 0 live, for product meter' birthmark ca show
renewed d4
[ "$(issuer d4)" = meters ] || die "product meter is served by $(issuer d4)"
renewed "$first"
[ "$(issuer "$first")" = operational-2 ] || die "what has no product is served by $(issuer "$first")"
expect 0 'active' birthmark ca roll meters --as meters-2 --root root-1
renewed d4
[ "$(issuer d4)" = meters-2 ] || die "the CA that took the place of the product's does not serve it: $(issuer d4)"

expect 0 'active' birthmark ca make lot-2 --class operational --lot L-2 --root root-1
renewed d4
[ "$(issuer d4)" = lot-2 ] || die "lot L-2 is served by $(issuer d4)"
renewed "$first"
[ "$(issuer "$first")" = operational-2 ] || die "lot L-1 is served by $(issuer "$first")"
expect 0 'lot-2 .*active, 1 live, for lot L-2' birthmark ca show

# ---- what is refused ----

expect 1 'there is a CA lot-2 already' birthmark ca make lot-2 --class operational --install root-1/issued/lot-2.pem
p256 foreign.pem
openssl req -new -key foreign.pem -subj /CN=foreign -out foreign.csr
expect 0 . birthmark ca ceremony root-1 --sign foreign.csr --class operational
expect 1 'not of the key that CA strange has here' birthmark ca make strange --class operational --install root-1/issued/foreign.pem
expect 1 'CA operational-2 has this key or this subject already' birthmark ca make strange --class operational --install root-1/issued/operational-2.pem
birthmark ca ceremony root-x --name "Example Works" >ceremony.log
expect 0 . birthmark ca ceremony root-x --sign works/ca/strange.csr --class operational
expect 1 'no root of this site signed' birthmark ca make strange --class operational --install root-x/issued/strange.pem
expect 1 'is the last that serves all' birthmark ca retire operational-2
expect 1 'is retired already' birthmark ca retire operational
expect 1 'there is no CA nobody' birthmark ca retire nobody
expect 1 'no certificate of an issuing CA' birthmark ca make strange --class operational --install old.pem
expect 1 'no certificate of an issuing CA|no root of this site' birthmark ca make strange --class operational --install "$first.crt"

# ---- the root ----

# proves: RFC9810 4.4

birthmark ca ceremony root-2 --roll root-1 >ceremony.log
birthmark ca ceremony root-y --roll root-x >ceremony.log
expect 1 'no root of this site signed' birthmark ca roll root --install root-y
mkdir mixed
cp root-2/root.pem root-2/new-with-old.pem mixed
cp root-y/old-with-new.pem mixed
expect 1 'did not sign itself and OldWithNew' birthmark ca roll root --install mixed
expect 0 'pinned' birthmark ca roll root --install root-2
cp root-2/root.pem new.pem
[ "$(grep -c 'BEGIN CERTIFICATE' works/root.pem)" = 2 ] || die "root.pem has not both roots"
[ "$(grep -c '^root ' works/trust.txt)" = 2 ] || die "trust.txt has not both roots"
expect 0 'active' birthmark ca roll operational-2 --as operational-3 --root root-2
expect 0 'root-2  CN=Root CA 2' birthmark ca show
expect 0 '^\+- operational-3 .*active' birthmark ca show

# the device with the old pin alone enrols and renews; services with either root alone take it
renewed "$first"
[ "$(issuer "$first")" = operational-3 ] || die "after the root's roll a renewal went to $(issuer "$first")"
[ "$(grep -c 'BEGIN CERTIFICATE' "$first.crt")" -ge 3 ] || die "the reply lacks what leads from root to root"
under "$first" old.pem
under "$first" new.pem
tls "$first" old.pem
tls "$first" new.pem
# who did not renew since shows the chain of the old root; what it renews under an old CA leads to the new root too
under "$second" old.pem
renewed d4
[ "$(issuer d4)" = lot-2 ] || die "lot L-2 is served by $(issuer d4)"
under d4 old.pem
under d4 new.pem
tls d4 new.pem
# EST's answer has all of it, and leads from each to each
curl -sS --fail --cacert old.pem "https://localhost:$port/.well-known/est/cacerts" | base64 -d | openssl pkcs7 -inform DER -print_certs -out cacerts.pem
[ "$(grep -c 'BEGIN CERTIFICATE' cacerts.pem)" -ge 8 ] || die "cacerts has $(grep -c 'BEGIN CERTIFICATE' cacerts.pem) certificates"
openssl verify -CAfile old.pem -untrusted cacerts.pem root-2/issued/operational-3.pem >/dev/null || die "the new CA does not lead to the old root"
openssl verify -CAfile new.pem -untrusted cacerts.pem works/ca/operational-2.pem >/dev/null || die "the old CA does not lead to the new root"
# the server's own chain leads to the new root when it is started next
openssl verify -CAfile new.pem -untrusted works/gate/server.pem works/gate/server.pem >/dev/null || die "a device of the new root alone would not take the server"

# ---- what the journal knows stays, whatever lies beside it ----

unserve
rm works/ca/operational-3.pem works/ca/lot-2.pem
serve
expect 0 'operational-3 .*active' birthmark ca show
cp works/root.pem both.pem
agent "$second" enrol --server "https://localhost:$port" --service mqtt --cacert new.pem >/dev/null || die "a device that has the new root alone does not take the server"
expect 0 'whole$' birthmark ledger verify

# ---- two persons ----

expect 0 . birthmark operator add berta --role operator --operator admin
expect 1 'proposal [0-9]+|waits' birthmark ca make extra --class operational --root root-2 --operator admin
n=$(field proposal birthmark proposal list --state open | head -n 1)
expect 0 'make extra, certificate [0-9a-f]{64}' birthmark proposal show "$n"
expect 1 'nobody approves their own' birthmark proposal approve "$n" --operator admin
if birthmark ca show | grep -q '^extra '; then die "a CA was made by one person"; fi
expect 0 'approved' birthmark proposal approve "$n" --operator berta
expect 0 'extra .*active' birthmark ca show
[ -s works/ca/extra.pem ] || die "the new CA's certificate is not in the home"
expect 0 'whole$' birthmark ledger verify
echo "ca_roll: devices went on through two CAs, one for a lot, and two roots"
