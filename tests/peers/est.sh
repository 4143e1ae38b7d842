#!/bin/bash
# est.sh - clients that others wrote (curl, openssl, strongSwan) against the real server, from the first trust to a certificate that verifies.
#
#   est.sh BUILD-DIRECTORY PKIDATA-PROGRAM
set -euo pipefail
build=$1 pkidata=$(realpath "$2")
state=$(mktemp -d /tmp/birthmark-peers.XXXXXX)
export BIRTHMARK_HOME=$state/home
server=''
passed=0
finish() {
    [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || :
    rm -rf "$state"
}
trap finish EXIT

die() { echo "est: $*" >&2; [ ! -s "$state/server.log" ] || sed 's/^/    /' "$state/server.log" >&2; exit 1; }
ok() { passed=$((passed + 1)); echo "ok $passed - $1"; }
same() { # WHAT GOT WANTED
    [ "$2" = "$3" ] || die "$1: '$2', not '$3'"
    ok "$1"
}
cd "$state"

# ---- a site, one chip of a chipmaker who knows only openssl, an order ----
"$build/birthmark" init --name "Peer Works" --url https://localhost:8443 >/dev/null
openssl genpkey -quiet -algorithm ed25519 -out maker.key 2>/dev/null || openssl genpkey -algorithm ed25519 -out maker.key
openssl pkey -in maker.key -pubout -out maker.pub
"$build/birthmark" chip create --root "soft:$state/chip.key" --id P-1 -o chip.der >/dev/null
"$build/birthmark" lot sign chip.der --key maker.key --vendor "Peer Silicon" --lot P-LOT -o P.manifest >/dev/null
"$build/birthmark" vendor add "Peer Silicon" --signer maker.pub >/dev/null
"$build/birthmark" lot receive P.manifest --vendor "Peer Silicon" --expect 1 >/dev/null
"$build/birthmark" order open first --lot P-LOT --profile bench-1 --quantity 1 >/dev/null

: >server.log
"$build/birthmarkd" --listen 127.0.0.1:0 --listen-http 127.0.0.1:0 >server.log 2>&1 &
server=$!
for _ in $(seq 200); do
    [ "$(grep -c '^birthmark serves' server.log)" -lt 2 ] || break
    kill -0 "$server" 2>/dev/null || die "the server did not start"
    sleep 0.1
done
port=$(sed -n 's|^birthmark serves https://127.0.0.1:\([0-9]*\).*|\1|p' server.log)
plain=$(sed -n 's|^birthmark serves http://127.0.0.1:\([0-9]*\).*|\1|p' server.log)
url=https://localhost:$port
curl=(curl --silent --show-error --max-time 20 --cacert home/root.pem)

# ---- trust ----
for version in 1.2 1.3; do
    "${curl[@]}" --tlsv$version --tls-max $version --fail "$url/.well-known/est/cacerts" >cacerts.b64
    same "curl reads cacerts over TLS $version, openssl its certificates" \
        "$(base64 -d cacerts.b64 | openssl pkcs7 -inform DER -print_certs -noout | grep -c ^subject=)" 3
done
base64 -d cacerts.b64 | openssl pkcs7 -inform DER -print_certs -out cacerts.pem
same "openssl verifies the server, host name and all" \
    "$(openssl s_client -connect "127.0.0.1:$port" -CAfile home/root.pem -verify_hostname localhost -verify_return_error </dev/null 2>/dev/null |
        sed -n 's/^ *Verify return code: \([0-9]*\).*/\1/p' | head -n 1)" 0
same "curl, HTTP/1.0" "$("${curl[@]}" --http1.0 -o /dev/null -w '%{http_code} %{http_version}' "$url/healthz")" "200 1.1"
same "curl is answered a HEAD" "$("${curl[@]}" --head -o /dev/null -w '%{http_code}' "$url/ca/root.cer")" 200
if command -v wget >/dev/null; then
    wget -q --ca-certificate=home/root.pem -O root.der "https://127.0.0.1:$port/ca/root.cer"
    same "wget fetches the root" "$(openssl x509 -inform DER -in root.der -noout -fingerprint)" "$(openssl x509 -in home/root.pem -noout -fingerprint)"
fi
if command -v gnutls-cli >/dev/null; then
    printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' |
        gnutls-cli --x509cafile=home/root.pem --alpn=http/1.1 --sni-hostname localhost --verify-hostname localhost -p "$port" 127.0.0.1 >gnutls.log 2>&1 || :
    same "gnutls speaks to it" "$(grep -c '"status":"ok"' gnutls.log)" 1
fi

# ---- openssl cms makes the request; the chip's key, in a certificate that nobody signed for, speaks for a new one ----
openssl req -x509 -new -key chip.key -subj /CN=root -days 1 -out chip.crt
hash=$(openssl pkey -in chip.key -pubout -outform DER | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=\n')
nonce() {
    "${curl[@]}" --fail -H 'Content-Type: application/json' -d "{\"reqInfo\":\"$hash\"}" "$url/.well-known/est/nonce" |
        sed -n 's/^{"nonce":"\([A-Za-z0-9_-]*\)","expiry":[0-9]*}$/\1/p'
}
same "a nonce by POST is the one by GET with the root key's certificate" "$(nonce)" \
    "$("${curl[@]}" --fail --cert chip.crt --key chip.key "$url/.well-known/est/nonce" | cut -d'"' -f4)"
request() { # KEY OUT: a CMC full request for the key
    openssl req -new -key "$1" -subj /CN=ignored -outform DER -out csr.der
    "$pkidata" csr.der "$(nonce)" pkidata.der
    openssl cms -sign -binary -nodetach -nosmimecap -econtent_type 1.3.6.1.5.5.7.12.2 -keyid -md sha256 -in pkidata.der \
        -signer chip.crt -inkey chip.key -outform DER -out cmc.der
    base64 cmc.der >"$2"
}
type='application/pkcs7-mime; smime-type=CMC-request'
post() { # FILE [CURL OPTIONS]: status; the body in reply
    local file=$1
    shift
    "${curl[@]}" -o reply -w '%{http_code}' -H "Content-Type: $type" --data-binary "@$file" "$@" \
        "$url/.well-known/est/bench-1/fullcmc"
}
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out new.key 2>/dev/null
request new.key cmc.b64
same "a request by openssl cms, wrapped, is answered" "$(post cmc.b64)" 200
same "without line breaks" "$(wc -l <reply)" 0
base64 -d reply | openssl pkcs7 -inform DER -print_certs -out new.pem
openssl x509 -in new.pem -out new.crt
same "the certificate is for the new key" "$(openssl x509 -in new.crt -noout -pubkey)" "$(openssl pkey -in new.key -pubout)"
same "openssl verifies it up to the root" "$(openssl verify -CAfile home/root.pem -untrusted cacerts.pem -purpose sslclient new.crt)" "new.crt: OK"
cp reply first
base64 -w 0 cmc.der >one-line.b64
same "sent again, in one line, and waved through by 100 Continue" "$(post one-line.b64 -H 'Expect: 100-continue')" 200
cmp -s first reply || die "the second answer is another certificate"
ok "the same certificate comes back"

# ---- refused, each with its sentence ----
head -c 600 cmc.b64 >short.b64
same "a cut request" "$(post short.b64)" 400
head -c 300000 /dev/zero | base64 -w 0 >large.b64
same "a body too large" "$(post large.b64)" 413
sed 's/^M/N/' cmc.b64 >odd.b64
same "no DER" "$(post odd.b64)" 400
same "another type" "$(type=text/plain post cmc.b64)" 415
same "chunks" "$(post cmc.b64 -H 'Transfer-Encoding: chunked')" 411
same "nothing to confirm" "$("${curl[@]}" -H 'Content-Type: application/json' -d '{}' -o /dev/null -w '%{http_code}' "$url/v1/confirm")" 403
same "confirmed with the new key" \
    "$("${curl[@]}" --cert new.pem --key new.key -H 'Content-Type: application/json' -d '{}' -o /dev/null -w '%{http_code}' "$url/v1/confirm")" 200

# ---- the plain port: what is signed ----
same "openssl verifies the revocation list" \
    "$(curl -s "http://127.0.0.1:$plain/crl/operational-1.crl" | openssl crl -inform DER -noout -CAfile cacerts.pem 2>&1 | grep -c '^verify OK')" 1
same "nothing else" "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$plain/v1/site")" 404

# ---- strongSwan: wants the head within its first 1,024 bytes and the rest in one more read ----
if ! pki=$(command -v pki) || ! "$pki" --print --in home/root.pem >/dev/null 2>&1; then
    echo "skipped: no strongSwan pki that reads elliptic curves (packages strongswan-pki, libstrongswan-standard-plugins)"
elif ! "$pki" --estca --help 2>&1 | grep -q -- --cacert; then
    echo "skipped: this strongSwan pki knows no --estca"
else
    # By address: where localhost is ::1 first, it asks no further.
    "$pki" --estca --url "https://127.0.0.1:$port" --cacert home/root.pem --caout est --outform pem --force >pki.log 2>&1 || die "pki --estca: $(tail -n 3 pki.log)"
    same "strongSwan reads cacerts" "$(cat est* | grep -c 'BEGIN CERTIFICATE')" 3
fi

"$build/birthmark" ledger verify >/dev/null || die "the ledger does not verify"
ok "the ledger verifies after all of it"
echo "$passed ok"
