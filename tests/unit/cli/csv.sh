#!/bin/bash
# csv.sh - lists in CSV from the file to the certificate: Espressif's columns, others named by the custodian, signed beside the file by CMS and by JWS, or by nobody.
#
#   csv.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2129,SC2154,SC2164 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

# ---- who makes chips, and who signs lists of them ----

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
self() { # NAME SUBJECT: NAME.key, and NAME.pem by itself
    p256 "$1.key"
    openssl req -x509 -config ca.cnf -extensions root -key "$1.key" -subj "/CN=$2" -days 9000 -out "$1.pem"
}
self ca "Pre-provisioning CA"
self desk "Example Silicon list desk"
self other "Nobody whom we know"

serial=100
certificate() { # CHIP CN: its certificate in PEM
    serial=$((serial + 1))
    openssl req -new -config ca.cnf -key "$1.pem" -subj "/CN=$2" -out chip.csr
    openssl x509 -req -in chip.csr -CA ca.pem -CAkey ca.key -set_serial $serial -days 8000 -extfile ca.cnf -extensions device 2>/dev/null
}
spki() { # CHIP
    openssl pkey -in "$1.pem" -pubout -outform DER | base64 -w0
}
url64() { base64 -w0 | tr '+/' '-_' | tr -d =; }
jws() { # SIGNER FILE: a JWS over it without its payload (RFC 7515, appendix F)
    local header hash
    hash=$(openssl x509 -in "$1.pem" -outform DER | openssl dgst -sha256 -binary | url64)
    header=$(printf '{"alg":"ES256","x5t#S256":"%s"}' "$hash" | url64)
    { printf '%s.' "$header"; url64 <"$2"; } | openssl dgst -sha256 -sign "$1.key" -out jws.der
    printf '%s..' "$header"
    openssl asn1parse -inform DER -in jws.der | awk -F: '/INTEGER/ { printf "%064s", $NF }' | tr ' ' 0 | sed 's/../\\x&/g' | xargs -0 printf '%b' | url64
}
cms() { # SIGNER FILE
    openssl cms -sign -binary -md sha256 -nosmimecap -in "$2" -signer "$1.pem" -inkey "$1.key" -outform DER
}

p256 {e,m,j,u}{1,2,3}.pem stranger.pem
birthmark init --name "Example Works" --url https://localhost:8443 >init.log
order() { birthmark order open "order-$1" --lot "$1" --profile gateway-1 --quantity 2 >>init.log; }

# ---- Espressif's columns, the certificates to a pinned root, the list itself signed by nobody ----

{
    echo 'MAC,cn,cert'
    for n in 1 2 3; do printf '7C:DF:A1:00:00:0%d,module-%d,"%s"\r\n' $n $n "$(certificate e$n module-$n)"; done
} >espressif.csv
expect 0 Espressif birthmark vendor add Espressif --format csv --root ca.pem
expect 1 'does not lead to a trusted one' birthmark lot inspect espressif.csv --format csv --root other.pem --lot ESP-1
receipt=$(field receipt birthmark lot receive espressif.csv --vendor Espressif --lot ESP-1 --expect 3)
expect 0 '^check chain 3 PASSED 0$' cat "$receipt"
expect 0 '^check unsigned 1 FOUND 1$' cat "$receipt"
expect 0 '^signed none$' cat "$receipt"

# ---- another's columns, signed by CMS: what they mean says the custodian, that nobody changed them says the chipmaker ----

{
    echo 'Part,Pub Key,Lot No,Made,Fw,Remark'
    printf 'M-1,%s,R-17,2026-05-30,1.2,\n' "$(spki m1)"
    printf 'M-2,%s,R-17,2026-06-02,1.3,"=SUM(A1:A9), ""odd"""\n' "$(spki m2)"
    printf 'M-3,%s,R-18,2026-06-02,1.2,\n' "$(spki m3)"
} >mapped.csv
cms desk mapped.csv >mapped.p7s
cms other mapped.csv >other.p7s
map=(--column id=Part --column "key=Pub Key" --column "reel=Lot No" --column date=Made --column firmware=Fw)
expect 0 'Example' birthmark vendor add "Example Silicon" --format csv --signer desk.pem
mapped() { birthmark lot receive "${list:-mapped.csv}" --vendor "Example Silicon" --lot EX-1 "$@"; }
expect 1 'no column is known to be the chips. keys' mapped --signature mapped.p7s
expect 1 'the list has no column Lot' mapped --signature mapped.p7s --column "key=Pub Key" --column reel=Lot
expect 1 'nobody signed the list, and signers are pinned' mapped "${map[@]}"
expect 1 '^refused: ' mapped "${map[@]}" --signature other.p7s
sed 's/R-18/R-17/' mapped.csv >changed.csv
list=changed.csv expect 1 '^refused: ' mapped "${map[@]}" --signature mapped.p7s
receipt=$(field receipt mapped "${map[@]}" --signature mapped.p7s --expect 3)
expect 0 '^check signature 1 PASSED 0$' cat "$receipt"
expect 0 '^signer CN=Example Silicon list desk [0-9a-f]{64}$' cat "$receipt"

# ---- signed by JWS, without its payload ----

{
    echo 'id,key,firmware'
    for n in 1 2 3; do printf 'J-%d,%s,%d.0\n' $n "$(spki j$n)" $n; done
} >jws.csv
jws desk jws.csv >jws.sig
jws other jws.csv >other.sig
sed 's/3\.0/2.0/' jws.csv >changed.csv
receive_jws() { birthmark lot receive "$1" --vendor "Example Silicon" --lot EX-2 --signature "$2" --expect 3 --json; }
expect 1 'is of nobody who is pinned for Example Silicon' receive_jws jws.csv other.sig
expect 1 'does not verify: one of them was changed' receive_jws changed.csv jws.sig
expect 0 '"chips":3' receive_jws jws.csv jws.sig

# ---- by nobody at all, and no roots: taken, and everybody is told ----

{
    echo 'id,key'
    for n in 1 2 3; do printf 'U-%d,%s\n' $n "$(spki u$n)"; done
} >unsigned.csv
expect 0 Unsigned birthmark vendor add Unsigned --format csv
expect 0 'nobody signed the list: whoever had it on its way could change, add and remove chips' birthmark lot inspect unsigned.csv --vendor Unsigned --lot UN-1
receipt=$(field receipt birthmark lot receive unsigned.csv --vendor Unsigned --lot UN-1)
expect 0 '^check unsigned 1 FOUND 1$' cat "$receipt"
expect 0 '^check signature 0 SKIPPED 0$' cat "$receipt"

# ---- a device of each becomes a unit, is seen, counted, and taken back ----

for lot in ESP-1 EX-1 EX-2 UN-1; do order $lot; done
serve
for root in e2 m1 j3 u1; do expect 0 '' enrol $root.pem; done
expect 1 '^refused: .*in no received lot' enrol stranger.pem
for lot in ESP-1 EX-1 EX-2 UN-1; do
    expect 0 '"expected":3,"issued":1,"unused":2,.*"seen":1,"never_seen":2' birthmark lot reconcile $lot --json
done
same '7C:DF:A1:00:00:02' field chip birthmark device list --lot ESP-1
same 'chip,index,reel,date,firmware,root,state,reason,device,seen,twice,reissued,identities
M-1,0,R-17,2026-05-30,1.2,secure-element,issued,,DEVICE,TIME,,0,mqtt:active:SERIAL
M-2,1,R-17,2026-06-02,1.3,secure-element,unused,,,,,0,
M-3,2,R-18,2026-06-02,1.2,secure-element,unused,,,,,0,' plain birthmark lot reconcile EX-1 --csv

expect 1 'no chip of lot EX-1 is meant by that' birthmark lot withdraw EX-1 --date 2026-05-31..2026-06-01 --reason "recall 1"
expect 0 '^1 chip of lot EX-1 withdrawn' birthmark lot withdraw EX-1 --date 2026-06-01..2026-06-30 --firmware 1.3 --reason "recall 1"
expect 1 '^refused: .*withdrawn' enrol m2.pem
expect 0 '' enrol m3.pem # of that month, but of another firmware
expect 0 '"serial":"[0-9a-f]{40}"' birthmark lot withdraw EX-2 --firmware 3.0 --reason "recall 2" --json
expect 0 '"device":' birthmark lot withdraw ESP-1 --ids 7C:DF:A1:00:00:02..7C:DF:A1:00:00:03 --reason "recall 3" --json
expect 1 '^refused: .*withdrawn' enrol e3.pem
expect 0 '' enrol e1.pem

# a corrected list replaces it, where the custodian says so; a recall of the whole lot is told of each of its chips
sed '/^U-3,/d' unsigned.csv >corrected.csv
expect 1 'received before with another content \(3 chips\): if this list replaces that one, add --revision 2' birthmark lot receive corrected.csv --vendor Unsigned --lot UN-1
expect 0 '"chips":2,.*"revision":2' birthmark lot receive corrected.csv --vendor Unsigned --lot UN-1 --revision 2 --json
expect 1 '^refused: .*newest revision of lot UN-1 leaves this chip out' enrol u3.pem
expect 0 '' enrol u2.pem
expect 0 '^lot UN-1 is withdrawn' birthmark lot withdraw UN-1 --reason "recall 4"
expect 1 '^refused: .*withdrawn' enrol u1.pem --new-key
expect 0 '"expected":2,"issued":2,"unused":0,"scrapped":0,"withdrawn":2' birthmark lot reconcile UN-1 --json
unserve
expect 0 ': whole$' birthmark ledger verify
echo "csv: ok"
