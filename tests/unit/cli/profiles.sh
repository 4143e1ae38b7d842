#!/bin/bash
# profiles.sh - a certificate of every profile that a site begins with, as openssl reads and verifies it; short-lived, named and small ones of a site's own.
#
#   profiles.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
needs_roots puf
unset BM_PUF_CELSIUS BM_PUF_YEARS BM_PUF_NOISE BM_PUF_FIRMWARE
shipped='gateway-1 bench-1 idevid mqtt-client https-client https-server code-update aws-iot azure-iot matter-dac'

for seed in gateway-1 bench-1 other; do birthmark chip create --root "puf:sim:$seed:$HOME/$seed.puf" --id "P-$seed" -o "$seed.der"; done >setup.log
maker silicon
birthmark lot sign ./*.der --key silicon.key --vendor Silicon --lot PUF-1 -o PUF-1.manifest >>setup.log

ours() { # FILE LINE...: a profile of the site's own
    local file=$1
    shift
    printf '%s\n' birthmark/profile/v1 "name $file" 'version 1' "service $file" 'ca operational' "$@" >"$file.profile"
    expect 0 '' birthmark profile check "$file.profile"
    expect 0 '' birthmark profile activate "$file.profile"
}
{
    birthmark init --name "Example Works" --url https://localhost:8443
    birthmark vendor add Silicon --signer silicon.pub
    birthmark lot receive PUF-1.manifest --vendor Silicon --expect 3
} >>setup.log 2>&1
ours session 'hours 8' 'revocation none' 'evidence root-signed' 'root puf' 'key P-256' 'eku clientAuth' 'hardware-module no' \
    'common-name {chip}' 'uri urn:works:{lot}:{chip}'
ours tiny 'days 9' 'evidence root-signed' 'key P-256' 'hardware-module yes' 'max-certificate 400'
ours cramped 'days 9' 'evidence root-signed' 'key P-256' 'hardware-module no' 'max-chain 900'
ours secure 'days 9' 'evidence root-signed' 'root secure-element' 'key P-256' 'hardware-module no'
profiles=()
for profile in $shipped session tiny cramped secure; do profiles+=(--profile "$profile"); done
birthmark order open first --lot PUF-1 "${profiles[@]}" --quantity 3 >>setup.log
serve

device() { # SEED VERB [OPTION...]
    local seed=$1
    shift
    birthmark-agent "$@" --root "puf:sim:$seed:$HOME/$seed.puf"
}
certificate() { # PROFILE: into PROFILE.pem, with those above it behind it
    local seed=other service
    service=$(sed -n 's/^service //p' "works/profiles/$1.profile")
    case $1 in gateway-1 | bench-1) seed=$1 ;; esac
    device "$seed" enrol --server "https://localhost:$port" --service "$service" --profile "$1" --cacert works/root.pem ||
        return
    cp "$HOME/$seed.puf.d/live/$service.pem" "$1.pem"
}

verified() { # PROFILE PURPOSE
    openssl verify -CAfile works/root.pem -untrusted "$1.pem" -purpose "$2" "$1.pem" >verify.log 2>&1 ||
        die "openssl does not take the certificate of $1 for $2: $(cat verify.log)"
}
not_for() { # PROFILE PURPOSE
    ! openssl verify -CAfile works/root.pem -untrusted "$1.pem" -purpose "$2" "$1.pem" >verify.log 2>&1 || die "openssl takes $1 for $2"
}
says() { # PROFILE PATTERN...: in openssl's words
    local profile=$1 pattern
    shift
    openssl x509 -in "$profile.pem" -noout -text -nameopt RFC2253 >text
    for pattern; do grep -qE -- "$pattern" text || die "the certificate of $profile has no \"$pattern\": $(cat text)"; done
}
lacks() { # PROFILE PATTERN
    openssl x509 -in "$1.pem" -noout -text >text
    ! grep -qE -- "$2" text || die "the certificate of $1 has \"$2\""
}

# ---- all that are shipped ----

for profile in $shipped session; do
    expect 0 '^enrolled: ' certificate "$profile"
    openssl x509 -in "$profile.pem" -outform DER -out "$profile.cert"
    says "$profile" 'X509v3 Key Usage: critical' 'serialNumber=[0-9a-f]{20}'
    verified "$profile" any
    printf '%-13s %4d bytes, with its CA %4d\n' "$profile" "$(stat -c %s "$profile.cert")" \
        $(($(stat -c %s "$profile.cert") + $(openssl x509 -in works/ca/"$(sed -n 's/^ca //p' "works/profiles/$profile.profile")".pem -outform DER | wc -c)))
done
for profile in gateway-1 bench-1 mqtt-client https-client code-update aws-iot azure-iot; do
    verified "$profile" sslclient
    not_for "$profile" sslserver
    says "$profile" 'TLS Web Client Authentication' 'X509v3 CRL Distribution Points' 'URI:https?://localhost:[0-9]+/crl/operational-[0-9]+.crl'
done
verified https-server sslserver
verified https-server sslclient # by which it confirms itself here
id=$(openssl x509 -in https-server.pem -noout -subject -nameopt RFC2253 | sed -n 's/.*serialNumber=\([0-9a-f]*\).*/\1/p')
says https-server "DNS:$id.devices.example"
openssl x509 -in https-server.pem -noout -checkhost "$id.devices.example" | grep -q 'does match' || die "the server's name does not match"
for cloud in aws-iot azure-iot; do says "$cloud" "CN=${id}[,+]"; done
for long in idevid matter-dac; do
    says "$long" 'Not After : Dec 31 23:59:59 9999 GMT'
    lacks "$long" 'CRL Distribution|Extended Key Usage'
done
says matter-dac "CN=DAC $id" '1.3.6.1.4.1.37244.2.1=#0C0446464631' '1.3.6.1.4.1.37244.2.2=#0C0438303030' 'X509v3 Basic Constraints: critical' 'CA:FALSE'
[ "$(stat -c %s matter-dac.cert)" -le 600 ] || die "a DAC has more than 600 bytes"

# ---- short-lived, by the chip's own name, and nobody asks whether it was revoked ----
# proves: RFC9608 2
says session 'No Revocation Available|2.5.29.56|X509v3 No Revocation' 'CN=P-other' 'URI:urn:works:PUF-1:P-other'
lacks session 'CRL Distribution|Authority Information'
if ! openssl x509 -in session.pem -noout -checkend $((7 * 3600)) >/dev/null || openssl x509 -in session.pem -noout -checkend $((8 * 3600)) >/dev/null; then
    die "eight hours are others"
fi
verified session sslclient

# ---- what does not fit, and another kind of root ----

expect 1 'a certificate of profile tiny may have 400 bytes and this one could have [0-9]+, [0-9]+ too many' certificate tiny
expect 1 "a chain of profile cramped may have 900 bytes and this one could have [0-9]+ with its CA's certificate, [0-9]+ too many" certificate cramped
expect 1 'profile secure takes no root key of the kind puf, which this chip has' certificate secure

# ---- versions: only an officer's, only upwards, only what was signed for; and what is under way stays as it was ----
# proves: FAULTS F18
person() { # NAME ROLE: an operator with a key of their own making
    maker "$1"
    expect 0 "$1 +$2" birthmark operator add "$1" --role "$2" --key "$1.pub" --operator admin
    install -m 600 "$1.key" "works/operators/$1.key"
}
proposed() { # COMMAND...: it waits for a second person; its number is in $number
    expect 1 '^proposed: proposal [0-9]+ waits: to .* takes two persons at this site' "$@"
    number=$(sed -n 's/^proposed: proposal \([0-9]*\) .*/\1/p' <<<"$said")
}
expect 0 'kind profile-activated.ntime [^ ]*nprofile session.nstatement [0-9a-f]{64}.nby admin.ncount 1' birthmark ledger show --json
expect 1 'version 1 of profile session is active already: give the changed text a higher version' birthmark profile activate session.profile
sed 's/^hours 8/hours 9/' session.profile >works/profiles/session.profile
expect 1 'of profile session version 1 is active, and the order names another text' \
    birthmark order open late --lot PUF-1 --profile session --quantity 1
sed 's/^name .*/name stranger/' session.profile >works/profiles/stranger.profile
expect 1 'no version of profile stranger is active: let an officer say' birthmark order open late --lot PUF-1 --profile stranger --quantity 1
person petra planner
expect 1 'petra is planner here and may not' birthmark profile activate works/profiles/stranger.profile --operator petra
sed 's/^name .*/name https-client/; s/^service .*/service https/; s/^version .*/version 1/' session.profile >again.profile
expect 1 'version 1 of profile https-client is active already' birthmark profile activate again.profile --operator admin
# a storm of versions while the certificates of an open order are issued: all of them live eight hours, as was signed for
(for version in $(seq 2 12); do
    sed "s/^version .*/version $version/; s/^hours 8/hours $((version + 8))/" session.profile >storm.profile
    birthmark profile activate storm.profile --operator admin >>storm.log 2>&1 || echo "version $version was refused" >>storm.log
done) &
storm=$!
for seed in gateway-1 bench-1; do
    expect 0 '^enrolled: ' device "$seed" enrol --server "https://localhost:$port" --service session --profile session --cacert works/root.pem
    live=$HOME/$seed.puf.d/live/session.pem
    if ! openssl x509 -in "$live" -noout -checkend $((7 * 3600)) >/dev/null || openssl x509 -in "$live" -noout -checkend $((8 * 3600)) >/dev/null; then
        die "a certificate follows a version that its order was not opened with"
    fi
done
wait $storm
if grep -q refused storm.log; then die "a version was refused"; fi
expect 0 '"version":12' birthmark profile show session --json
expect 1 'of profile session version 12 is active' bash -c 'cp session.profile works/profiles/ && birthmark order open late --lot PUF-1 --profile session --quantity 1 --operator admin'

# ---- two persons, where the policy says so ----
person olga officer
proposed birthmark policy set profile --operator admin
expect 0 'approved' birthmark proposal approve "$number" --operator olga
sed 's/^version .*/version 13/' session.profile >two.profile
proposed birthmark profile activate two.profile --operator admin
expect 1 'of profile session version 12 is active' birthmark order open late --lot PUF-1 --profile session --quantity 1 --operator admin
expect 0 'approved' birthmark proposal approve "$number" --operator olga
expect 0 '' birthmark order open late --lot PUF-1 --profile session --quantity 1 --operator admin
unserve
expect 0 '' birthmark ledger verify
