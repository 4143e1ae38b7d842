#!/bin/bash
# ca_token.sh - an issuing CA is rolled from a file into a PKCS#11 token (SoftHSM) under a running server, and issues from there.
#
#   ca_token.sh SOURCE-ROOT BUILD-DIRECTORY
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
tools softhsm2-util
export SOFTHSM2_CONF=$HOME/softhsm2.conf
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$HOME" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label vault --so-pin 12345678 --pin 1234 >/dev/null
printf 1234 >pin
chip d1 chip-1
maker silicon
{
    birthmark lot sign d1.der --key silicon.key --vendor Silicon --lot L-1 -o L-1.manifest
    birthmark init --name "Token Works" --url https://localhost:8443
    birthmark vendor add Silicon --signer silicon.pub
    birthmark lot receive L-1.manifest --vendor Silicon --expect 1
    birthmark order open one --lot L-1 --profile bench-1 --quantity 1
} >setup.log 2>&1
mv works/ceremony root-1
serve
agent() { birthmark-agent "$@" --root "soft:$HOME/d1.pem"; }
issued_by() { # NAME
    agent identity list --service mqtt --key-file d1.key --cert-file d1.crt >/dev/null
    [ "$(openssl x509 -in d1.crt -noout -issuer -nameopt multiline | sed -n 's/^ *commonName *= //p')" = "$1" ] || die "not issued by $1"
    openssl verify -purpose sslclient -CAfile works/root.pem -untrusted d1.crt d1.crt >/dev/null || die "it does not verify"
}
expect 0 '^enrolled' agent enrol --server "https://localhost:$port" --service mqtt --cacert works/root.pem
issued_by "Operational CA 1"

expect 0 'active' birthmark ca roll operational --as operational-2 --token "pkcs11:token=vault?pin-source=$HOME/pin" --root root-1
[ ! -e works/ca/operational-2.key ] || die "a key of the token's CA lies in a file"
grep -q 'operational-2.*pkcs11:.*object=birthmark-operational-2' works/site.conf || die "site.conf does not say where the key is: $(cat works/site.conf)"
expect 0 '^renewed' agent renew --force --server "https://localhost:$port"
issued_by operational-2
unserve
serve # the keeper opens it again
expect 0 '^renewed' agent renew --force --server "https://localhost:$port"
issued_by operational-2
list=$(openssl x509 -in d1.crt -noout -text | grep -o 'crl/operational-2-[0-9]*.crl')
curl -sS --fail --cacert works/root.pem -o list.der "https://localhost:$port/$list"
openssl crl -inform DER -in list.der -CAfile works/ca/operational-2.pem -noout 2>crl.txt || die "$(cat crl.txt)"

# and back into a file, from which the old one's list is still the token's
expect 0 'active' birthmark ca roll operational-2 --as operational-3 --root root-1
expect 0 '^renewed' agent renew --force --server "https://localhost:$port"
issued_by operational-3
expect 0 'whole$' birthmark ledger verify
echo "ca_token: rolled into a token and out of it"
