#!/bin/bash
# tls_front.sh - EST simpleenroll by the certificate of a root key, with curl and openssl alone: only where the profile allows it, capped by the order, labelled.
#
#   tls_front.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not, 77 curl is missing
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
tools curl

# ---- four chips, each with a root key and a certificate of its maker for it, as a secure element has them; and one of nobody's ----

cat >ca.cnf <<'CNF'
[req]
distinguished_name = none
[none]
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[device]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
authorityKeyIdentifier = keyid:always
CNF
p256 ca.key c{1,2,3,4,5}.key
openssl req -x509 -config ca.cnf -extensions root -key ca.key -subj "/CN=Maker" -days 9000 -out ca.pem
for n in 1 2 3 4 5; do
    openssl req -new -config ca.cnf -key c$n.key -subj "/CN=chip-$n" -out chip.csr
    openssl x509 -req -in chip.csr -CA ca.pem -CAkey ca.key -set_serial 10$n -days 8000 -extfile ca.cnf -extensions device -out c$n.pem 2>/dev/null
done
{
    echo 'cn,cert'
    for n in 1 2 3 4; do printf 'chip-%d,"%s"\r\n' $n "$(cat c$n.pem)"; done
} >chips.csv

birthmark init --name "Example Works" --url https://localhost:8443 >setup.log
sed 's/^name .*/name front/; s/^service .*/service web/; s/^key P-256/evidence tls-front\nkey P-256/' works/profiles/gateway-1.profile >front.profile
{
    birthmark profile activate front.profile
    birthmark vendor add Maker --format csv --root ca.pem
    birthmark lot receive chips.csv --vendor Maker --lot F-1 --expect 4
    birthmark order open first --lot F-1 --profile front --profile gateway-1 --quantity 4 --tls-front 2
} >>setup.log 2>&1
serve

# ---- the device: a new key for the service, a request, one POST ----

simple() { # CHIP PROFILE KEY: its certificates to reply.pem; what was refused to stdout
    local status
    [ -e "$3" ] || p256 "$3"
    openssl req -new -config ca.cnf -key "$3" -subj "/CN=whoever" -outform DER | base64 >request.b64
    status=$(curl -s -o reply -w '%{http_code}' --cacert works/root.pem --cert "c$1.pem" --key "c$1.key" -H 'Content-Type: application/pkcs10' \
        --data-binary @request.b64 "https://localhost:$port/.well-known/est/$2/simpleenroll")
    if [ "$status" != 200 ]; then
        echo "$status $(cat reply)"
        return 1
    fi
    base64 -d reply | openssl pkcs7 -inform DER -print_certs >reply.pem
}
# proves: RFC7030 4.2.1
expect 0 '' simple 1 front k1.pem
openssl x509 -in reply.pem -noout -text >text.log
grep -q 'Policy: 2.25.184845910872441249083029307405784991135' text.log || die "the certificate does not say tls-front: $(cat text.log)"
openssl verify -CAfile works/root.pem -untrusted reply.pem -policy 2.25.184845910872441249083029307405784991135 -explicit_policy reply.pem >>setup.log
if openssl verify -CAfile works/root.pem -untrusted reply.pem -policy 2.25.204422528400457712459522207949603002309 -explicit_policy reply.pem >>setup.log 2>&1; then
    die "the certificate says root-signed"
fi
cp reply.pem first.pem
expect 0 '"evidence":"tls-front","proven":"tls-front"' birthmark identity list --json
expect 0 'evidence-class tls-front.*proven tls-front' birthmark ledger show --json
expect 0 '' simple 1 front k1.pem # again: the same certificate, and nothing counted
cmp -s first.pem reply.pem || die "the same request got another certificate"

# ---- not under a profile that does not say so, not without a certificate, not by a key of no lot, not for the root key itself ----

expect 1 'profile gateway-1 does not take tls-front evidence' simple 2 gateway-1 k2.pem
expect 1 'in no received lot' simple 5 front k5.pem
expect 1 'for a root key of the chip' simple 2 front c2.key
anonymous() {
    curl -s --cacert works/root.pem -H 'Content-Type: application/pkcs10' --data-binary @request.b64 \
        "https://localhost:$port/.well-known/est/front/simpleenroll"
}
expect 0 'connect with the certificate of the device.s root key' anonymous

# ---- two and not one more, also after the signer has woken anew; a request that the root key signs is not counted ----

expect 0 '' simple 2 front k2.pem
expect 1 'order first lets 2 certificates be had over TLS alone, and 2 were' simple 3 front k3.pem
expect 0 '"kind":"enrol".*over TLS alone' birthmark alarm list --json
unserve
serve
expect 1 'order first lets 2 certificates be had over TLS alone, and 2 were' simple 3 front k3.pem
signed() { birthmark-agent enrol --root soft:c3.key --server "https://localhost:$port" --service web --profile front --cacert works/root.pem; }
expect 0 '^enrolled: ' signed
same 'tls-front
tls-front
root-signed' field proven birthmark identity list

# ---- an order without that line lets none ----

head -n 1 chips.csv >none.csv
p256 c6.key
openssl req -new -config ca.cnf -key c6.key -subj "/CN=chip-6" -out chip.csr
openssl x509 -req -in chip.csr -CA ca.pem -CAkey ca.key -set_serial 106 -days 8000 -extfile ca.cnf -extensions device -out c6.pem 2>/dev/null
printf 'chip-6,"%s"\r\n' "$(cat c6.pem)" >>none.csv
{
    birthmark lot receive none.csv --vendor Maker --lot F-2 --expect 1
    birthmark order open second --lot F-2 --profile front --quantity 1
} >>setup.log 2>&1
expect 1 'order second lets 0 certificates be had over TLS alone' simple 6 front k6.pem
unserve
echo "tls_front: ok"
