#!/bin/bash
# cards.sh - operators whose keys never leave a smart card or a TPM: a site is made, a policy set, an order proposed and approved with them.
#
#   cards.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not, 77 there is no swtpm or no SoftHSM here
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
PATH=$PATH:/usr/sbin:/sbin
needs_roots tpm2
tools swtpm swtpm_setup softhsm2-util
hardware=$source/tests/journey/virtual-hardware.sh

finish_more() {
    "$hardware" stop "$HOME/chips" 2>/dev/null || :
}

export SOFTHSM2_CONF=$HOME/softhsm2.conf
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$HOME" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label anna --so-pin 12345678 --pin 1234 >/dev/null
softhsm2-util --init-token --free --label olga --so-pin 12345678 --pin 4321 >/dev/null
(umask 077 && echo 1234 >anna.pin && echo 4321 >olga.pin)
card() { echo "pkcs11:token=$1;object=sign?pin-source=$HOME/$1.pin"; }
tpm=$("$hardware" start "$HOME/chips" --tpm 1 | cut -d ' ' -f 2)

# the first operator's key is made in her card; no PIN stands where a process list shows it
expect 2 'a PIN stands in no URI' birthmark init --name W --operator anna --operator-key "pkcs11:token=anna;object=sign?pin-value=1234"
expect 2 'must be pkcs11' birthmark init --name W --operator anna --operator-key anna.pem
expect 0 'operators/anna.uri' birthmark init --name "Example Works" --url https://localhost:8443 --operator anna --operator-key "$(card anna)"
[ ! -e works/operators/anna.key ] || die "a key of hers lies in a file"
expect 0 'anna +officer .*yes +20[0-9TZ:-]+ +anna\+[0-9a-f]{8}\+AjBZ' birthmark operator list

# one by a card, one by a TPM, one who brings the public half of a card of his own
expect 0 'olga +officer .*yes +20[0-9TZ:-]+ +olga\+[0-9a-f]{8}\+AjBZ' birthmark operator add olga --role officer --key "$(card olga)" --operator anna
expect 0 'theo +planner .*yes +20[0-9TZ:-]+ +theo\+[0-9a-f]{8}\+AjBZ' birthmark operator add theo --role planner --key "$tpm" --operator anna
p256 ben.pem && openssl pkey -in ben.pem -pubout -out ben.pub
expect 0 'ben +custodian .*no +20[0-9TZ:-]+ +ben\+[0-9a-f]{8}\+AjBZ' birthmark operator add ben --role custodian --key ben.pub --operator olga

# each has a certificate from the operator CA, for the very key that signs, good for a TLS client
for who in anna olga theo ben; do
    expect 0 ': OK' openssl verify -purpose sslclient -CAfile works/root.pem -untrusted works/ca/operators.pem "works/operators/$who.pem"
done
expect 0 'CN *= *olga' openssl x509 -in works/operators/olga.pem -noout -subject
expect 2 'error' openssl verify -purpose sslserver -CAfile works/root.pem -untrusted works/ca/operators.pem works/operators/anna.pem
cmp <(openssl x509 -in works/operators/ben.pem -noout -pubkey) ben.pub || die "a certificate for another key"
expect 1 'name or key that is there already' birthmark operator add twin --role officer --key "$(card olga)" --operator anna
[ ! -e works/operators/twin.uri ] || die "a refused operator's file stays"

expect 1 '^proposed: ' birthmark policy set order --operator anna
expect 0 'approved' birthmark proposal approve 1 --operator olga
chip chip C-1
maker maker
birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-001 chip.der -o EX-001.manifest >>init.log
birthmark vendor add "Example Silicon" --signer maker.pub >>init.log
expect 0 'pinned' birthmark lot receive EX-001.manifest --vendor "Example Silicon" --operator anna
expect 1 '^proposed: proposal 2' birthmark order open first --lot EX-001 --profile gateway-1 --quantity 1 --operator theo
expect 0 'approved' birthmark proposal approve 2 --operator olga
expect 0 'first +1 +0' birthmark order list

# a card that is away, a PIN that is wrong, a TPM that is gone: said so, and nothing is signed
mv tokens away && mkdir tokens
expect 3 'token' birthmark operator revoke ben --operator anna
rmdir tokens && mv away tokens
echo 9999 >anna.pin
expect 3 'PIN' birthmark operator revoke ben --operator anna
"$hardware" stop "$HOME/chips"
expect 3 'TPM' birthmark order raise first --quantity 2 --operator theo
expect 0 'olga +officer' birthmark operator revoke ben --operator olga
[ ! -e works/operators/ben.pem ] || die "his certificate stays"
expect 1 'no operator ben' birthmark operator certify ben
expect 0 'whole' birthmark ledger verify
echo "cards: ok"
