#!/bin/bash
# record.sh - what a planner says of units becomes the record of each device, is found again by any of it, and outlives the store.
#
#   record.sh SOURCE-ROOT BUILD-DIRECTORY
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

maker silicon
for n in 1 2 3 4 5 6; do chip "chip$n" "C-$n"; done
{
    birthmark lot sign chip[1-4].der --key silicon.key --vendor Silicon --lot R-LOT -o R-LOT.manifest
    birthmark lot sign chip[56].der --key silicon.key --vendor Silicon --lot Q-LOT -o Q-LOT.manifest
    birthmark init --name "Example Works" --url https://localhost:8443
    birthmark vendor add Silicon --signer silicon.pub
    birthmark lot receive R-LOT.manifest --vendor Silicon
    birthmark lot receive Q-LOT.manifest --vendor Silicon
} >setup.log 2>&1

# ---- orders that say what their units are ----

key3=$(openssl pkey -in chip3.pem -pubout -outform DER | sha256sum | cut -d' ' -f1)
cat >units.csv <<CSV
serial,chip,key,model,hardware,firmware,owner,region,support-until
GW-000001,,,GW-1,B,1.2.0,"Acme, Inc.",EU,2031-12-31
GW-000002,C-2,,GW-1,B,1.2.0,"Acme, Inc.",EU,2031-12-31
GW-000003,,$key3,GW-2,C,1.3.0,Beta,US,
CSV
order() { # NAME LOT QUANTITY OPTION...
    local name=$1 lot=$2 quantity=$3
    shift 3
    birthmark order open "$name" --lot "$lot" --profile bench-1 --quantity "$quantity" "$@"
}
expect 1 '3 rows are too few for 4 units' order boards R-LOT 4 --units units.csv
sed 's/^GW-000002/GW-000001/' units.csv >twice.csv
expect 1 'serial number GW-000001 stands there twice' order boards R-LOT 3 --units twice.csv
expect 1 'no-units.csv' order boards R-LOT 3 --units no-units.csv
expect 2 'one %0Nd in it' order boards R-LOT 3 --serials GW-%d
expect 2 'too few digits for 10 units' order boards R-LOT 10 --serials GW-%01d
expect 1 'beside --serials' order boards R-LOT 3 --serials GW-%06d --units units.csv
expect 0 boards order boards R-LOT 3 --units units.csv
kept=$(sha256sum units.csv | cut -d' ' -f1)
cmp units.csv "works/lots/$kept.units"
same "$kept" field units birthmark order show boards
same 3 field rows_left birthmark order show boards
expect 1 'rows for 3 units in all' birthmark order raise boards --quantity 4
printf 'model,owner\nHub,Acme\n' >common.csv
expect 0 hubs order hubs Q-LOT 2 --serials 'HUB-%03d' --units common.csv

# ---- settled at issue ----

serve
for n in 2 1 3 5 6; do enrol "chip$n.pem" >>setup.log; done
words() { birthmark device list "$@" --json | tr '{' '\n' | sed -nE 's/.*"chip":"([^"]*)".*"serial":("[^"]*"|null).*"owner":("[^"]*"|null).*/\1 \2 \3/p' | sort; }
everything='C-1 "GW-000001" "Acme, Inc."
C-2 "GW-000002" "Acme, Inc."
C-3 "GW-000003" "Beta"
C-5 "HUB-001" "Acme"
C-6 "HUB-002" "Acme"'
same "$everything" words
same 'C-3 "GW-000003" "Beta"' words --owner Beta
same 'C-3 "GW-000003" "Beta"' words --model GW-2 --hardware C --firmware 1.3.0 --region US --state "$(field state birthmark device list GW-000003)" --profile bench-1 --lot R-LOT
same 'C-6 "HUB-002" "Acme"' words HUB-002
same 'C-6 "HUB-002" "Acme"' words --order hubs --serial HUB-002 --vendor Silicon --chip C-6 --root software
same "" words --owner Gamma
same "" words --station line-1
[ "$(words GW- | wc -l)" = 3 ] || die "GW- finds $(words GW-)"
same 2031-12-31 field support_until birthmark device list --serial GW-000001

# ---- one device, on one screen ----

show=$(birthmark device show GW-000001 | plain cat)
[ "$(wc -L <<<"$show")" -le 80 ] || die "wider than a screen: $show"
[ "$(sed -E 's/ +/ /g; s/state [a-z]+/state STATE/; s/20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9a-f]*…/DAY SERIAL/' <<<"$show")" = 'device DEVICE state STATE
serial GW-000001 made TIME
model GW-1, hardware B, firmware 1.2.0
owner Acme, Inc. support until 2031-12-31
region EU root software
chip C-1, lot R-LOT of Silicon
order boards, row 1
proven software

SERVICE PROFILE STATE UNTIL CERTIFICATE
mqtt bench-1 active DAY SERIAL

SINCE STATE
TIME onboarded' ] || die "device show says: $show"
expect 1 'there is no device GW-9' birthmark device show GW-9
expect 0 '"identities":\[\{.*"alarms":\[\]' birthmark device show "$(field device birthmark device list GW-000001)" --json

# ---- what others register ----

expect 2 'aws, azure or csv' birthmark export gcp -o things
expect 2 ' -o' birthmark export aws
expect 3 'cannot be written' birthmark export aws -o nowhere/things
expect 0 'exported: 5 devices' birthmark export aws -o things
while read -r line; do # a JSON object a line, of texts only
    thing=$(sed -nE 's/^\{"ThingName":"([0-9a-f]{20})","SerialNumber":"[^"]+","CertificatePem":"-----BEGIN CERTIFICATE-----\\n[A-Za-z0-9+/=\\]+-----END CERTIFICATE-----\\n"\}$/\1/p' <<<"$line")
    [ -n "$thing" ] || die "no line for AWS: $line"
    sed -E 's/.*"CertificatePem":"(.*)"\}/\1/' <<<"$line" | sed 's/\\n/\n/g' >thing.pem
    openssl verify -CAfile works/root.pem -untrusted works/ca/operational.pem thing.pem >verify.log
    openssl x509 -in thing.pem -noout -subject | grep -q "$thing" || die "the certificate is not $thing's"
done <things
[ "$(wc -l <things)" = 5 ] || die "$(cat things)"
expect 0 'exported: 2 devices' birthmark export azure --order hubs -o enrollments --profile bench-1
[ "$(wc -l <enrollments)" = 1 ] || die "$(cat enrollments)"
grep -qE '^\{"mode":"create","enrollments":\[\{"registrationId":"[0-9a-f]{20}","deviceId":"[0-9a-f]{20}","attestation":\{"type":"x509","x509":\{"clientCertificates":\{"primary":\{"certificate":"-----BEGIN CERTIFICATE-----[^"]*"\}\}\}\},"provisioningStatus":"enabled"\},\{"registrationId":[^[]*\]\}$' enrollments ||
    die "$(cat enrollments)"
expect 0 'exported: 0 devices' birthmark export azure --profile other -o none
[ ! -s none ] || die "$(cat none)"
expect 0 '"exported":5' birthmark export csv -o devices.csv --json
grep -q '^device,serial,model,hardware,firmware,owner,region,support_until,chip,lot,vendor,order,station,root,profile,state,made.$' devices.csv || die "$(cat devices.csv)"
grep -qE '^[0-9a-f]{20},GW-000001,GW-1,B,1.2.0,"Acme, Inc.",EU,2031-12-31,C-1,R-LOT,Silicon,boards,,software,bench-1,[a-z]+,20.*Z.$' devices.csv || die "$(cat devices.csv)"
[ "$(find . -name '*.tmp-*' | wc -l)" = 0 ] || die "a half file is left"
unserve

# ---- a store that is lost is made again, with the file or without ----

rm -r works/store && mkdir -m 700 works/store
birthmark site recover --reason "the store was lost" >>setup.log
birthmark vendor add Silicon --signer silicon.pub >>setup.log
same "$everything" words
mv "works/lots/$kept.units" away
rm -r works/store && mkdir -m 700 works/store
birthmark site recover --reason "the store was lost" >>setup.log
expect 0 'nothing is known of the units of order boards' birthmark alarm list
same 'C-1 null null
C-2 null null
C-3 null null
C-5 "HUB-001" "Acme"
C-6 "HUB-002" "Acme"' words
sed 's/Beta/Eve/' away >"works/lots/$kept.units" # another file in its place is none
rm -r works/store && mkdir -m 700 works/store
birthmark site recover --reason "the store was lost" >>setup.log
expect 0 'nothing is known of the units of order boards: the file was changed' birthmark alarm list
mv away "works/lots/$kept.units"
rm -r works/store && mkdir -m 700 works/store
birthmark site recover --reason "the store was lost" >>setup.log
same "$everything" words

# ---- one serial number, two devices of a product: refused before anybody signs ----

sed -n 1,2p units.csv >again.csv
expect 1 'serial number GW-000001 is one of order boards already' order again R-LOT 1 --units again.csv
expect 1 'serial number HUB-001 is one of order hubs already' order again R-LOT 2 --serials 'HUB-%03d'
expect 1 'serial number HUB-001 is one of order hubs already' order again R-LOT 2 --serials 'HUB-0%02d'
printf 'serial\nHUB-002\n' >hub.csv # no model is told: it may be the same product
expect 1 'serial number HUB-002 is one of order hubs already' order again R-LOT 1 --units hub.csv
expect 1 'serial number GW-000001 is one of order boards already' order again R-LOT 2 --serials 'GW-%06d'
printf 'serial,model\nHUB-001,Cable\n' >cable.csv # another product counts for itself
expect 0 cables order cables R-LOT 1 --units cable.csv
expect 0 nodes order nodes R-LOT 2 --serials 'NODE-%01d'
printf 'serial\nNODE-9\n' >node.csv
expect 0 ninth order ninth R-LOT 1 --units node.csv
expect 1 'serial number NODE-9 is one of order ninth already' birthmark order raise nodes --quantity 9
expect 0 '"quantity":8' birthmark order raise nodes --quantity 8 --json
printf 'serial\nNODE-8\n' >node.csv # a pattern's number that no unit has yet
expect 1 'serial number NODE-8 is one of order nodes already' order eighth R-LOT 1 --units node.csv

# where the store does not know of it somebody should: the file was away when the other order was opened

mv "works/lots/$kept.units" away
rm -r works/store && mkdir -m 700 works/store
birthmark site recover --reason "the store was lost" >>setup.log
expect 0 again order again R-LOT 1 --units again.csv
mv away "works/lots/$kept.units"
rm -r works/store && mkdir -m 700 works/store
birthmark site recover --reason "the store was lost" >>setup.log
expect 0 "1 serial numbers of order again are another order's too, of boards" birthmark alarm list
serve
expect 0 '^enrolled' enrol chip4.pem # the order cables, which is the oldest with a unit left
