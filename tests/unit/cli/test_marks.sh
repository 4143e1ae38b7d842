#!/bin/bash
# test_marks.sh - what is made for tests says so, works at a site for tests, and is refused at every door of a production site.
#
#   test_marks.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $said, $port, $server
. "$(dirname "$0")/lib.sh" "$1" "$2"
tools curl

mark=2.25.136450369687967767426175778406050114183
birthmark init --home works --name "Example Works" --url https://localhost:8443 --operator anna >init.log 2>&1 || die "init: $(cat init.log)"
birthmark init --home trial --name "Example Works" --url https://localhost:8443 --operator anna --test >init.log 2>&1 || die "init: $(cat init.log)"
works=(env BIRTHMARK_HOME="$HOME/works") trial=(env BIRTHMARK_HOME="$HOME/trial")
grep -q 'This site is for TESTS' init.log || die "init --test does not say what it made"

# ---- it is named ----
marked() { openssl x509 -in "$1" -noout -ext certificatePolicies 2>/dev/null | grep -qF $mark; }
for cert in root.pem ca/operational.pem ca/idevid.pem ca/server.pem ca/operators.pem gate/server.pem operators/anna.pem; do
    marked "trial/$cert" || die "trial/$cert bears no mark"
    if marked "works/$cert"; then die "works/$cert bears a mark"; fi
done
expect 0 'O=TEST Example Works' "${trial[@]}" birthmark ca show
expect 0 'test +for tests' "${trial[@]}" birthmark site show
expect 0 '"test":"for tests' "${trial[@]}" birthmark site show --json
if "${works[@]}" birthmark site show --json | grep -q '"test"'; then die "a production site is called one for tests"; fi
grep -qx 'test yes' trial/trust.txt || die "trust.txt does not say test"
expect 0 'ledger of a site for TESTS.*whole' "${trial[@]}" birthmark ledger verify
expect 0 '"test":true' "${trial[@]}" birthmark ledger verify --json
expect 0 '^ledger: .*whole' "${works[@]}" birthmark ledger verify

# ---- a vendor's certificates ----
p256 maker.pem
openssl req -x509 -new -key maker.pem -subj "/CN=Manifest Signer" -days 9 -out plain.crt
openssl req -x509 -new -key maker.pem -subj "/CN=Manifest Signer" -days 9 -addext certificatePolicies=$mark -out marked.crt
for option in --signer --root; do
    format=microchip
    more=(--signer plain.crt)
    if [ $option = --root ]; then format=infineon more=(); fi
    expect 1 'of a test hierarchy' "${works[@]}" birthmark vendor add Maker --format $format $option marked.crt
    expect 0 'Maker' "${works[@]}" birthmark vendor add Maker --format $format "${more[@]}" $option plain.crt
    expect 0 'Maker' "${trial[@]}" birthmark vendor add Maker --format $format $option marked.crt
done
# handed in by a database that somebody changed: seen again where it is used
expect 1 'of a test hierarchy' "${works[@]}" birthmark vendor add Maker --format infineon --root plain.crt trial/root.pem

# ---- a lot that its maker calls one for tests ----
maker maker
chip chip1 C-1
chip chip2 C-2
birthmark lot sign --key maker.key --vendor "Example Silicon" --lot T-1 chip1.der -o T-1.manifest --test >>init.log
birthmark lot sign --key maker.key --vendor "Example Silicon" --lot P-1 chip2.der -o P-1.manifest >>init.log
for home in works trial; do
    BIRTHMARK_HOME=$HOME/$home birthmark vendor add "Example Silicon" --signer maker.pub >>init.log
    expect 0 'pinned' env BIRTHMARK_HOME="$HOME/$home" birthmark lot receive P-1.manifest --vendor "Example Silicon"
done
expect 1 'lot T-1 is for tests, says its maker.*alarm' "${works[@]}" birthmark lot receive T-1.manifest --vendor "Example Silicon"
expect 1 '"verdict":"refused".*"test":true|"test":true.*"verdict":"refused"' "${works[@]}" birthmark lot inspect T-1.manifest --vendor "Example Silicon" --json
expect 0 '"verdict":"receivable"' "${trial[@]}" birthmark lot inspect T-1.manifest --vendor "Example Silicon" --json
expect 0 'pinned' "${trial[@]}" birthmark lot receive T-1.manifest --vendor "Example Silicon"
sed 's/^test yes/test no/' T-1.manifest >bad.manifest
expect 1 'bad.manifest' "${trial[@]}" birthmark lot receive bad.manifest --vendor "Example Silicon"

# the signer looks for itself, whatever the command was made to believe
serve
printf '%s\n' "$(sed '/^url /a test yes' works/site.conf)" >lied.conf
cp works/site.conf kept.conf && cat lied.conf >works/site.conf
expect 1 'lot T-1 is for tests, says its maker, and a production site takes none' "${works[@]}" birthmark lot receive T-1.manifest --vendor "Example Silicon"
cat kept.conf >works/site.conf

# ---- TLS clients ----
client() { curl -sS --cacert "$1/root.pem" --cert "$2" --key "$3" "https://localhost:$port/.well-known/est/cacerts" -o /dev/null; }
openssl req -x509 -new -key maker.pem -subj /CN=client -days 9 -addext certificatePolicies=$mark -out client.crt
expect 0 '' client works plain.crt maker.pem
if client works client.crt maker.pem 2>>init.log; then die "the gate takes a client of a test hierarchy"; fi
grep -q 'alert' init.log || die "the gate did not refuse it in the handshake: $(tail -n 1 init.log)"
unserve

# a certificate, or the site's word, of the other kind: the server does not start
cat lied.conf >works/site.conf
expect 3 'CA operational is of no test hierarchy, and site.conf says otherwise' "${works[@]}" birthmark site show
cat kept.conf >works/site.conf
cp works/ca/operational.pem kept.pem && cp trial/ca/operational.pem works/ca/operational.pem
expect 3 'not the one of its certificate' "${works[@]}" birthmark site show
cp kept.pem works/ca/operational.pem
expect 1 'trust.txt is of a site for tests' "${works[@]}" birthmark ledger verify --trust trial/trust.txt
expect 0 'whole' "${trial[@]}" birthmark ledger verify --trust trial/trust.txt

# ---- at the site for tests all of it works, and the device's certificate says what it is ----
export BIRTHMARK_HOME=$HOME/trial
birthmark order open first --lot T-1 --profile bench-1 --quantity 1 >>init.log
serve
expect 0 '' client trial client.crt maker.pem
expect 0 '' enrol chip1.pem
birthmark-agent identity list --root soft:chip1.pem --service mqtt --cert-file leaf.pem >>init.log
marked leaf.pem || die "the device's certificate bears no mark"
expect 0 'O *= *TEST Example Works' openssl x509 -in leaf.pem -noout -subject
expect 0 ': OK' openssl verify -CAfile trial/root.pem -untrusted trial/ca/operational.pem leaf.pem
expect 0 ': OK' openssl verify -CAfile trial/root.pem -untrusted trial/ca/operational.pem -policy 2.25.58256926581796604077796161840005322715 -explicit_policy leaf.pem
unserve
echo "test_marks: ok"
