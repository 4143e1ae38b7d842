#!/bin/bash
# renewal.sh - an identity renewed by curl and openssl alone, from what docs/formats/api-v1.md says: overlap, lost reply, a copy that forks the chain.
#
#   renewal.sh SOURCE-ROOT BUILD-DIRECTORY PKIDATA-PROGRAM
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2129,SC2154 # from there: $source, $build, $server, $port, $said
pkidata=$(realpath "$3")
. "$(dirname "$0")/../unit/cli/lib.sh" "$1" "$2"
tools curl openssl base64

birthmark init --name "Renewing Works" --url https://localhost:8443 >init.log
maker maker
birthmark vendor add "Example Silicon" --signer maker.pub >>init.log
chip c1 C-1
chip c2 C-2
birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-001 c1.der c2.der -o EX-001.manifest >>init.log
birthmark lot receive EX-001.manifest --vendor "Example Silicon" --expect 2 >>init.log
birthmark order open first --lot EX-001 --profile bench-1 --quantity 2 >>init.log
serve
url=https://localhost:$port
curl=(curl --silent --show-error --max-time 20 --cacert "$BIRTHMARK_HOME/root.pem" -H "Content-Type: application/json")
for root in c1 c2; do openssl req -x509 -new -key $root.pem -subj /CN=root -days 1 -out $root.crt; done

spki() { openssl pkey -in "$1" -pubout -outform DER; }
# ROOT KEY: a root-signed CMC request for the key, KEY.cmc; its CSR is KEY.csr
cmc() {
    local hash nonce
    hash=$(spki "$1.pem" | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=\n')
    nonce=$("${curl[@]}" -d "{\"reqInfo\":\"$hash\"}" "$url/.well-known/est/nonce" | sed -n 's/^{"nonce":"\([A-Za-z0-9_-]*\)".*/\1/p')
    openssl req -new -key "$2" -subj /CN=x -outform DER -out "$2.csr"
    "$pkidata" "$2.csr" "$nonce" pkidata.der
    openssl cms -sign -binary -nodetach -nosmimecap -nocerts -econtent_type 1.3.6.1.5.5.7.12.2 -keyid -md sha256 -in pkidata.der \
        -signer "$1.crt" -inkey "$1.pem" -outform DER -out "$2.cmc"
}
enrolled() { # ROOT KEY: a certificate, KEY.crt
    cmc "$1" "$2"
    base64 -w 0 "$2.cmc" | curl -sS --cacert "$BIRTHMARK_HOME/root.pem" -H 'Content-Type: application/pkcs7-mime' --data-binary @- \
        "$url/.well-known/est/mqtt/fullcmc" | base64 -d | openssl pkcs7 -inform DER -print_certs | openssl x509 -out "$2.crt"
    confirm "$2"
}
request() { # ROOT CURRENT NEW [SERVICE]: NEW.json
    cmc "$1" "$3"
    { printf 'birthmark/renewal/v1\n' && openssl dgst -sha256 -binary "$3.csr"; } | openssl dgst -sha256 -sign "$2" -out signature
    printf '{"service":"%s","key":"%s","renewal":"%s","cmc":"%s"}' "${4:-mqtt}" "$(spki "$2" | base64 -w 0)" "$(base64 -w 0 signature)" \
        "$(base64 -w 0 "$3.cmc")" >"$3.json"
}
send() { # NEW: the status; what was answered is in reply
    "${curl[@]}" -o reply -w '%{http_code}' -d "@$1.json" "$url/v1/renew"
}
renewal() { # ROOT CURRENT NEW [SERVICE]: the status
    request "$@"
    send "$3"
}
certificate() { # NEW: the one in the reply, NEW.crt
    sed -n 's/^{"certificates":\["\([^"]*\)".*/\1/p' reply | base64 -d | openssl x509 -inform DER -out "$1.crt"
    openssl x509 -in "$1.crt" -pubkey -noout | cmp -s - <(openssl pkey -in "$1" -pubout) || die "the certificate is for another key"
}
renewed() { # ROOT CURRENT NEW: a certificate, NEW.crt
    local status
    status=$(renewal "$@")
    [ "$status" = 200 ] || die "the renewal was answered $status: $(cat reply)"
    certificate "$3"
}
refused() { # STATUS PATTERN ROOT CURRENT NEW [SERVICE]
    local want=$1 pattern=$2 status
    shift 2
    status=$(renewal "$@")
    [ "$status" = "$want" ] || die "the renewal was answered $status, not $want: $(cat reply)"
    grep -q -- "$pattern" reply || die "it did not say $pattern: $(cat reply)"
}
confirm() { # KEY
    expect 0 '"device":' "${curl[@]}" --cert "$1.crt" --key "$1" -d '{}' "$url/v1/confirm"
}
serial() { openssl x509 -in "$1.crt" -serial -noout | sed 's/.*=//' | tr 'A-F' 'a-f'; }
state() { # KEY STATE
    expect 0 "\"state\":\"$2\"" birthmark identity list --json --state "$2"
    grep -q "$(serial "$1")" <<<"$said" || die "the certificate of $1 is not $2: $(birthmark identity list)"
}

p256 k0 k1 k2 k3 k4 k5 other
enrolled c1 k0
enrolled c2 other
device=$(birthmark device list --json | grep -o '"device":"[0-9a-f]*"' | head -n 1 | cut -d'"' -f4)
expect 0 '"renewed":0' birthmark device show "$device" --json

# ---- renewed: both are good, the new one is confirmed, the earlier one retires in a week ----
renewed c1 k0 k1
state k0 active
state k1 provisional
renewed c1 k0 k1 # the reply was lost: the same certificate
[ "$(birthmark identity list "$device" --json | grep -o '"serial"' | wc -l)" = 2 ] || die "a retry made a third certificate"
expect 0 '"identities":1' birthmark device list --json
confirm k0
confirm k1
state k0 renewed
state k1 active
expect 0 "\"renews\":\"$(serial k0)\",\"retires\":null" birthmark identity list "$device" --json
expect 0 '"retires":"20' birthmark identity list "$device" --json --state renewed
expect 0 '"renewed":1' birthmark device list --json
expect 0 "kind identity-renewed" birthmark ledger show --json

# ---- a device that lost the new key asks with another: the lost one is revoked, the current one is not ----
renewed c1 k1 k2
renewed c1 k1 k3
state k2 replaced
state k1 active
confirm k3
state k1 renewed

# ---- whoever has a key from before is a copy ----
refused 403 'two hold it, and one is a copy' c1 k1 k4
refused 403 'is suspended' c1 k0 k4 # and both sides with it
refused 403 'is suspended' c1 k3 k4
state k3 suspended
expect 0 '"kind":"fork","sentence":"device '"$device" birthmark alarm list --json
[ "$(birthmark alarm list --json | grep -o '"kind":"fork"' | wc -l)" = 1 ] || die "the proof of a fork is kept once"
leaf=$(birthmark alarm list --json | sed -n 's/.*"kind":"fork"[^}]*"leaf":\([0-9]*\).*/\1/p')
expect 0 "evidence [0-9a-f]{64}" birthmark ledger show --json
[ -n "$leaf" ] || die "the fork has no leaf"
expect 1 'find out which is the device' birthmark device resume "$device" --reason "looked at it"
expect 0 'state +active' birthmark device resume "$device" --reason "looked at it" --keep "$(serial k3)"
state k3 active
state k1 revoked

# ---- and other things that are not due ----
refused 403 'is not the key of device' c1 other k4
refused 403 'is not the key of device' c2 k3 k4
refused 403 'for the key that signs it' c1 k3 k3
refused 403 'no open order covers\|does not allow' c1 k3 k4 nothing
printf '{"service":"mqtt","key":"AQ==","renewal":"AQ==","cmc":"%s"}' "$(base64 -w 0 k4.cmc)" >k4.json
expect 0 '"error":' "${curl[@]}" -d @k4.json "$url/v1/renew"

# ---- revoked: one of both, or both ----
renewed c1 k3 k4
expect 0 '"state":"revoked"' birthmark identity revoke "$(serial k4)" --reason superseded --json
state k3 active
renewed c1 k3 k5
confirm k5
expect 0 revoked birthmark identity revoke "$device" mqtt --reason keyCompromise --json
for key in k5 k3 k1 k0; do state $key revoked; done
refused 403 'was revoked' c1 k5 k2
curl -sS --cacert "$BIRTHMARK_HOME/root.pem" "$url/crl/operational-1.crl" | openssl crl -inform DER -noout -text >crl.txt
for key in k5 k4 k3 k2 k1 k0; do grep -qi "$(serial $key)" crl.txt || die "the certificate of $key is on no list"; done
[ "$(grep -c 'Serial Number:' crl.txt)" = 6 ] || die "the list has other entries than those: $(cat crl.txt)"

# ---- all processes killed at once, somewhere between request and answer: the same request gets its one certificate ----
current=other
for round in 0 1 2 3 4 5; do
    new=killed$round
    p256 $new
    request c2 $current $new
    "${curl[@]}" -o /dev/null -d "@$new.json" "$url/v1/renew" 2>/dev/null &
    asked=$!
    sleep 0.0$((round * 3 + 10))
    mapfile -t children < <(ps -o pid= --ppid "$server")
    kill -9 "$server" "${children[@]}" 2>/dev/null || :
    wait "$server" 2>/dev/null || :
    wait $asked 2>/dev/null || :
    serve
    url=https://localhost:$port
    status=$(send $new)
    [ "$status" = 200 ] || die "after a kill the renewal was answered $status: $(cat reply)"
    certificate $new
    confirm $current # in full use until then
    confirm $new
    state $new active
    current=$new
done
[ "$(birthmark identity list --json | grep -o '"serial"' | wc -l)" = 13 ] || die "there are certificates that nobody asked for: $(birthmark identity list)"

# ---- the store made anew from the journal tells the same ----
birthmark identity list --json >before
birthmark device list --json >>before
unserve
rm -f "$BIRTHMARK_HOME"/store/birthmark.db*
expect 0 "" birthmark site recover --reason "the store was lost"
expect 0 ': whole$' birthmark ledger verify
birthmark identity list --json >after
birthmark device list --json >>after
cmp before after || die "the store made anew differs: $(diff before after)"
echo "renewal: ok"
