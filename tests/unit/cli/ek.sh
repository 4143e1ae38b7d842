#!/bin/bash
# ek.sh - endorsement certificates from a chipmaker's folder to a TPM's certificate: received, made into a unit, reconciled, withdrawn; and ST's genuine one.
#
#   ek.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not, 77 there is no swtpm here
# shellcheck disable=SC1091,SC2129,SC2154,SC2164 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
PATH=$PATH:/usr/sbin:/sbin
needs_roots tpm2
tools swtpm swtpm_setup tpm2_createek

finish_more() {
    "$source/tests/journey/virtual-hardware.sh" stop "$HOME/tpms" 2>/dev/null || :
}

# ---- a chipmaker's CA, and what it says of a TPM: no subject, so a critical alternative name ----

cat >ca.cnf <<'CNF'
[req]
distinguished_name = none
[none]
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[issuer]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[ek]
basicConstraints = critical, CA:false
keyUsage = critical, keyEncipherment, keyAgreement
extendedKeyUsage = 2.23.133.8.1
subjectAltName = critical, dirName:tpm
authorityKeyIdentifier = keyid:always
[tpm]
1.2.23.133.2.1 = id:45584D50
2.2.23.133.2.2 = EX9670
3.2.23.133.2.3 = id:00070055
CNF

ca() { # NAME: NAME-root.pem and NAME-issuer.pem
    p256 "$1-root.key" "$1-issuer.key"
    openssl req -x509 -config ca.cnf -extensions root -key "$1-root.key" -subj "/O=$1/CN=TPM Root" -days 9000 -out "$1-root.pem"
    openssl req -new -config ca.cnf -key "$1-issuer.key" -subj "/O=$1/CN=TPM EK CA" -out issuer.csr
    openssl x509 -req -in issuer.csr -CA "$1-root.pem" -CAkey "$1-root.key" -set_serial 2 -days 8000 -extfile ca.cnf -extensions issuer -out "$1-issuer.pem" 2>>ca.log
}

serial=100
certify() { # CA PUBLIC-KEY FILE: an endorsement certificate in DER
    serial=$((serial + 1))
    openssl x509 -new -subj / -force_pubkey "$2" -CA "$1-issuer.pem" -CAkey "$1-issuer.key" -set_serial $serial -days 7000 -extfile ca.cnf -extensions ek \
        -outform DER -out "$3" 2>>ca.log
}

ca maker
ca stranger

# ---- two TPMs, one with both kinds of key certified, and two chips that nobody has put anywhere yet ----

"$source/tests/journey/virtual-hardware.sh" start tpms --tpm 3 >tpms.txt
tpm() { awk -v name="tpm-0$1" '$1 == name { print $2 }' tpms.txt; }
mkdir reel
export TPM2TOOLS_TCTI
for n in 1 2 3; do
    TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=$(cat tpms/tpm-0$n/port)
    for alg in rsa ecc; do
        tpm2_createek -Q -G $alg -c ek.ctx -u $alg$n.pem -f pem
        tpm2_flushcontext -Q -t
    done
done
certify maker rsa1.pem reel/u1-rsa.der
certify maker ecc1.pem reel/u1-ecc.der
certify maker ecc2.pem reel/u2.der

# the first TPM holds its certificate; the third one a stranger's for its key; the second what its simulator put there
nv_put() { # N INDEX FILE
    TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=$(cat "tpms/tpm-0$1/port")
    tpm2_nvundefine -Q -C p "$2" 2>/dev/null || :
    tpm2_nvdefine -Q -C p -s "$(stat -c %s "$3")" -a 'ppwrite|ppread|ownerread|authread|no_da|platformcreate' "$2"
    tpm2_nvwrite -Q -C p -i "$3" "$2"
}
certify stranger ecc3.pem stranger.der
nv_put 1 0x01c0000a reel/u1-ecc.der
nv_put 3 0x01c0000a stranger.der
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null | openssl pkey -pubout -out spare.pem
certify maker spare.pem spare.der
openssl x509 -inform DER -in spare.der -out reel/u3.crt
p256 spare.key && openssl pkey -in spare.key -pubout -out spare.pem
certify maker spare.pem reel/u4.der
openssl x509 -inform DER -in reel/u4.der -noout -subject -ext subjectAltName >said.log
grep -q 'critical' said.log || die "the certificates are not as they should be: $(cat said.log)"

# ---- what is in it, and what is refused ----

birthmark init --name "Example Works" --url https://localhost:8443 >init.log
expect 2 'so --root is wanted' birthmark vendor add Maker --format ek
expect 0 'Maker' birthmark vendor add Maker --format ek --root maker-root.pem maker-issuer.pem
expect 0 '"chips":4,.*"keys":5,' birthmark lot inspect reel --vendor Maker --lot EK-1 --json
expect 1 'does not lead to a trusted one' birthmark lot inspect reel --format ek --root stranger-root.pem stranger-issuer.pem --lot EK-1
cp -r reel mixed && certify stranger spare.pem mixed/u9.der
expect 1 '^refused: mixed: .*Recorded as alarm' birthmark lot receive mixed --vendor Maker --lot EK-1
cp -r reel odd && echo nothing >odd/README.txt
expect 1 '^refused: odd: ' birthmark lot receive odd --vendor Maker --lot EK-1
expect 1 'you expect 5' birthmark lot receive reel --vendor Maker --lot EK-1 --expect 5
same '[]' birthmark lot list --json

# ---- received: the record says that nobody signed the list, and what each certificate says of its TPM ----

receipt=$(field receipt birthmark lot receive reel --vendor Maker --lot EK-1 --expect 4)
expect 0 '^format ek$' cat "$receipt"
expect 0 '^check unsigned 1 FOUND 1$' cat "$receipt"
expect 0 '^check chain 4 PASSED 0$' cat "$receipt"
expect 0 'received already: nothing was changed' birthmark lot receive reel --vendor Maker --lot EK-1 --expect 4 --json
expect 0 '"lot":"EK-1","vendor":"Maker","chips":4' birthmark lot list --json
expect 0 '"id_source":"computed"' birthmark lot show EK-1 --chips --json
[ "$(field chip birthmark lot show EK-1 --chips | grep -c '^ek-[0-9a-f]\{16\}$')" = 4 ] || die "the chips are named otherwise: $(birthmark lot show EK-1 --chips)"

# ---- two TPMs become units, each by the key that the list has of it; a third is nobody's ----

sed 's/^name .*/name strict/; s/^service .*/service boot/; s/^key P-256/require tpm-fixed\nrequire ek-certified\nkey P-256/' \
    works/profiles/gateway-1.profile >strict.profile
birthmark profile activate strict.profile >>init.log
birthmark order open first --lot EK-1 --profile gateway-1 --profile strict --quantity 3 >>init.log
serve
enrol_tpm() { # N
    birthmark-agent enrol --root "$(tpm "$1")" --server "https://localhost:$port" --service mqtt --cacert works/root.pem
}
expect 0 '' enrol_tpm 1
expect 0 '' enrol_tpm 2
expect 1 '^refused: .*in no received lot' enrol_tpm 3
same 'tpm-activated
tpm-activated' field evidence birthmark identity list
same 'tpm-activated tpm-residency tpm-fixed ek-certified
tpm-activated tpm-residency tpm-fixed' field proven birthmark identity list
expect 0 'tpm-manufacturer id:45584D50.*tpm-model EX9670.*tpm-version id:00070055' birthmark ledger show --json
strict() { # N
    birthmark-agent enrol --root "$(tpm "$1")" --server "https://localhost:$port" --service boot --cacert works/root.pem
}
expect 0 '^enrolled: ' strict 1
expect 1 'profile strict requires evidence of ek-certified, which this chip did not give' strict 2
expect 0 '"expected":4,"issued":2,"unused":2,.*"seen":2,"never_seen":2,"seen_twice":0' birthmark lot reconcile EK-1 --json
birthmark lot reconcile EK-1 --csv | tr -d '\r' >chips.csv
[ "$(awk -F, '$5 == "id:00070055" && $6 == "tpm"' chips.csv | wc -l)" = 4 ] || die "firmware or kind are not those of the certificates: $(cat chips.csv)"

# ---- recalled by the firmware that the certificates give: no identity any more, and three to revoke ----

expect 1 'no chip of lot EK-1 is meant by that' birthmark lot withdraw EK-1 --firmware id:00070056 --reason "recall 9"
[ "$(field serial birthmark lot withdraw EK-1 --firmware id:00070055 --reason "recall 9" | wc -l)" = 3 ] || die "there are not three to revoke"
expect 0 '"withdrawn":4' birthmark lot reconcile EK-1 --json
cp -r reel later && rm later/u?.* later/u1-* && certify maker ecc3.pem later/u5.der
expect 0 'pinned' birthmark lot receive later --vendor Maker --lot EK-2 # what came in another reel is no part of the recall
birthmark order open second --lot EK-2 --profile gateway-1 --quantity 1 >>init.log
expect 0 '' enrol_tpm 3
expect 0 '^lot EK-2 is withdrawn' birthmark lot withdraw EK-2 --reason "recall 10"
unserve
expect 0 ': whole$' birthmark ledger verify

# ---- ST's genuine certificate ----

if [ -e "$shared/data/tpm/st-ek-rsa.pem" ]; then
    cat "$shared"/data/tpm/*_26.pem "$shared"/data/tpm/*_143.pem >all.pem
    openssl crl2pkcs7 -nocrl -certfile all.pem | openssl pkcs7 -print_certs | awk '/^subject/ { ours = /STM|GlobalSign/ } ours' >st.pem
    expect 0 STM birthmark vendor add STM --format ek --root st.pem
    receipt=$(field receipt birthmark lot receive "$shared/data/tpm/st-ek-rsa.pem" --vendor STM --lot ST-1 --expect 1)
    expect 0 '^check chain 1 PASSED 0$' cat "$receipt"
    expect 0 '"lot":"ST-1","vendor":"STM","chips":1' birthmark lot list --json
    serve
    expect 0 '"root":"tpm"' birthmark lot show ST-1 --chips --json
    unserve
else
    echo "passed over: ST's certificate is not here"
fi
echo "ek: ok"
