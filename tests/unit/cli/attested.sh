#!/bin/bash
# attested.sh - a TPM's word in the request itself (id-aa-attestation), sent by curl to EST simpleenroll: from TCG's template H-2 to a certificate that says where
# its key lives.
#
#   attested.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not, 77 there is no swtpm or no curl here
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
PATH=$PATH:/usr/sbin:/sbin
needs_roots tpm2
tools swtpm swtpm_setup tpm2_createek curl

finish_more() {
    "$source/tests/journey/virtual-hardware.sh" stop "$HOME/chips" 2>/dev/null || :
}

# ---- two TPMs with an attestation key by template, one of them in no lot; and one whose endorsement key is activated ----

"$source/tests/journey/virtual-hardware.sh" start "$HOME/chips" --tpm 3 >chips.txt
uri() { # N
    sed -n "s/^tpm-0$1 //p" chips.txt
}
for n in 1 2; do expect 0 '' birthmark chip create --root "$(uri $n);template=H-2" --id "H-$n" -o "$n.der"; done
expect 0 '' birthmark chip create --root "$(uri 3)" --id E-3 -o 3.der
maker silicon
birthmark lot sign 1.der 3.der --key silicon.key --vendor Silicon --lot T-1 -o T-1.manifest >setup.log
{
    birthmark init --name "Example Works" --url https://localhost:8443
    birthmark vendor add Silicon --signer silicon.pub
    birthmark lot receive T-1.manifest --vendor Silicon --expect 2
    birthmark order open first --lot T-1 --profile gateway-1 --quantity 3
} >>setup.log 2>&1
serve

csr() { # N OUT [OPTION...]
    local n=$1 out=$2
    shift 2
    birthmark-agent csr --root "$(uri "$n")" --server "https://localhost:$port" --service mqtt --cacert works/root.pem -o "$out" "$@"
}
simple() { # CSR: its certificates to reply.pem; what was refused to stdout
    local status
    grep -v -e ---- "$1" >request.b64
    status=$(curl -s -o reply -w '%{http_code}' --cacert works/root.pem -H 'Content-Type: application/pkcs10' --data-binary @request.b64 \
        "https://localhost:$port/.well-known/est/gateway-1/simpleenroll")
    if [ "$status" != 200 ]; then
        echo "$status $(cat reply)"
        return 1
    fi
    base64 -d reply | openssl pkcs7 -inform DER -print_certs >reply.pem
}

# ---- made, read by openssl, taken ----

expect 0 '' csr 1 1.csr
expect 0 'Certificate request self-signature verify OK' openssl req -in 1.csr -noout -verify
expect 0 '1.2.840.113549.1.9.16.2.59|id-smime-aa-59' openssl req -in 1.csr -noout -text
# proves: RFC7030 4.2.1
expect 0 '' simple 1.csr
openssl x509 -in reply.pem -noout -text >text.log
for policy in 2.23.133.11.1.1 2.23.133.11.1.2; do grep -q "Policy: $policy" text.log || die "the certificate does not say $policy: $(cat text.log)"; done
expect 0 '"evidence":"root-signed","proven":"root-signed tpm-residency tpm-fixed"' birthmark identity list --json
cp reply.pem first.pem
expect 0 '' simple 1.csr # sent again: the same certificate
cmp -s first.pem reply.pem || die "the same request got another certificate"

# ---- the agent stores what another client fetched: the same certificate for the same key ----

expect 0 '^enrolled: mqtt as ' birthmark-agent enrol --root "$(uri 1)" --server "https://localhost:$port" --service mqtt --profile gateway-1 --cacert works/root.pem
expect 0 '' birthmark-agent identity list --root "$(uri 1)" --service mqtt --cert-file stored.pem
[ "$(openssl x509 -in stored.pem -noout -serial)" = "$(openssl x509 -in first.pem -noout -serial)" ] || die "the agent stored another certificate"

# ---- bound to the boot state: the key says so, another one is not taken for it, and the certificate says that a policy guards it ----

openssl ecparam -name prime256v1 -genkey -noout | openssl pkey -pubout -out update.pub
expect 1 'service mqtt has a key that is not bound so' csr 1 bound.csr --pcrs 7
expect 2 'an update key wants --pcrs LIST too' csr 1 bound.csr --update-key update.pub
expect 0 'warning: PCR 7 holds nothing but zeros' csr 1 bound.csr --service bound --pcrs 7 --update-key update.pub
expect 0 '' csr 1 bound.csr --service bound --pcrs 7 --update-key update.pub # the same key again
expect 1 'service bound has a key that is not bound so' csr 1 bound.csr --service bound --pcrs 8 --update-key update.pub

# ---- not of a TPM in no lot, not without an attestation key, not by nothing at all ----

expect 0 '' csr 2 2.csr
expect 1 'in no received lot' simple 2.csr
expect 1 'no attestation key is a root key here' csr 3 3.csr
p256 plain.key
openssl req -new -key plain.key -subj "/CN=whoever" -out plain.csr
expect 1 'this connection has none, and the request no attestation' simple plain.csr
expect 2 'csr wants --service NAME' birthmark-agent csr --root "$(uri 1)" --server https://localhost:1 --cacert works/root.pem
unserve
expect 0 ': whole$' birthmark ledger verify
