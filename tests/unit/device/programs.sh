#!/bin/bash
# programs.sh - programs that know nothing of Birthmark use its keys: nginx, curl and mosquitto's clients by key file, openssl by store URI; keys in
# software, of a PUF, in a secure element and in a TPM.
#
#   programs.sh SOURCE-ROOT BUILD-DIRECTORY KIND     KIND: soft, puf, pkcs11, tpm2
#
# exit: 0 they do, 1 they do not, 77 one of the programs is not installed
# shellcheck disable=SC1091,SC2034,SC2154,SC2164 # from there: $source, $build, $said
kind=$3 wants_root=$3
. "$(dirname "$0")/../cli/lib.sh" "$1" "$2"
PATH=$PATH:/usr/sbin:/sbin
tools openssl nginx curl mosquitto mosquitto_pub mosquitto_sub swtpm swtpm_setup softhsm2-util
kit=$build/tests/unit/device/identity_kit
children=()

finish_more() {
    local child
    for child in ${children[@]+"${children[@]}"}; do
        kill "$child" 2>/dev/null || continue
        wait "$child" 2>/dev/null || :
    done
    "$source/tests/journey/virtual-hardware.sh" stop "$HOME/chips" 2>/dev/null || :
}

ports_pick() { # N: free ports, below those that the kernel gives to clients
    local try
    for try in $(shuf -i 20000-29999 -n 90); do
        if [ ${#ports[@]} = "$1" ]; then return 0; fi
        (exec 3<>"/dev/tcp/127.0.0.1/$try") 2>/dev/null || ports+=("$try")
    done
}
ports=()
ports_pick 3
gate=${ports[0]} own=${ports[1]} broker=${ports[2]}

await() { # PORT: until somebody listens there
    local try
    for try in $(seq 200); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return 0; fi
        sleep 0.05
    done
    die "nobody listens on port $1 (try $try)"
}

ca() { # a CA, and a server's certificate under it
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=CA -days 10 2>/dev/null
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:false\n' >names
    p256 server.key
    openssl req -new -key server.key -subj /CN=server | openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -days 5 -out server.pem 2>/dev/null
}

identity() { # ROOT: an identity "mqtt" in it
    "$kit" "$1" mqtt new >public.pem
    openssl x509 -new -subj /CN=device -force_pubkey public.pem -CA ca.pem -CAkey ca.key -extfile names -days 5 -out leaf.pem
    "$kit" "$1" mqtt keep leaf.pem ca.pem
}

nginx_start() { # DIRECTORY PORT LINE...: a server of its own
    local dir=$HOME/$1 port=$2 path
    mkdir "$dir"
    {
        printf '%s;\n' 'daemon off' 'worker_processes 1' "pid $dir/pid" "error_log $dir/error.log" 'env SOFTHSM2_CONF' 'env TSS2_LOG'
        [ "$(id -u)" != 0 ] || echo 'user root;'
        echo 'events {} http { access_log off;'
        for path in client_body proxy fastcgi uwsgi scgi; do echo "${path}_temp_path $dir;"; done
        echo "server { listen 127.0.0.1:$port ssl; ssl_protocols TLSv1.2 TLSv1.3; location / { return 200 \"\$ssl_client_s_dn \$ssl_protocol\"; }"
        printf '%s;\n' "${@:3}"
        echo '} }'
    } >"$dir/conf"
    nginx -p "$dir" -c "$dir/conf" 2>"$dir.log" &
    children+=($!)
    await "$port"
}

ca
"$source/tests/journey/virtual-hardware.sh" start chips --tpm 1 --se 1 >chips.txt
export SOFTHSM2_CONF=$HOME/chips/softhsm2.conf TSS2_LOG=all+NONE
sed "s|@module@|$build/src/device/birthmark.so|; s|^#pkcs11-module = .*|pkcs11-module = $(cat chips/module)|" "$source/src/device/openssl.cnf.in" >openssl.cnf
case $kind in
soft) root=soft:chip.pem ;;
puf) root=puf:sim:device-1:helper ;;
pkcs11) root=$(sed -n 's/^se-01 //p' chips.txt) ;;
tpm2) root=$(sed -n 's/^tpm-01 //p' chips.txt) ;;
*) die "what is $kind?" ;;
esac
birthmark chip create --root "$root" --id C-1 -o chip.der >chips.log # its root key
identity "$root"
nginx_start gate "$gate" 'ssl_certificate ../server.pem' 'ssl_certificate_key ../server.key' 'ssl_client_certificate ../ca.pem' 'ssl_verify_client on'

# ---- key files ----

expect 1 'has no identity for service nobody: enrol it first' birthmark-agent identity list --root "$root" --service nobody --key-file nobody.key
expect 2 'wants --service NAME' birthmark-agent identity list --root "$root" --key-file nobody.key
[ ! -e nobody.key ] || die "a key file without an identity"
expect 0 '^mqtt ' birthmark-agent identity list --root "$root" --service mqtt --key-file mqtt.key --cert-file mqtt.pem
expect 0 'BEGIN BIRTHMARK IDENTITY' cat mqtt.key
expect 1 '' grep -E 'module-path|PRIVATE' mqtt.key
[ "$(grep -c BEGIN mqtt.pem)" = 2 ] || die "leaf and CA are not in mqtt.pem"
openssl verify -CAfile ca.pem mqtt.pem >/dev/null

# ---- the provider, by OPENSSL_CONF alone ----

export OPENSSL_CONF=$HOME/openssl.cnf
cd / # a key file's paths are absolute
expect 0 'name: Birthmark' openssl list -providers
for version in 1.2 1.3; do
    same "CN=device TLSv$version" curl -sS --tlsv$version --tls-max $version --cacert ~/ca.pem --key ~/mqtt.key --cert ~/mqtt.pem "https://localhost:$gate/"
done
expect 58 'unable to set private key' curl -sS --cacert ~/ca.pem --key ~/mqtt.key --cert ~/server.pem "https://localhost:$gate/" # a certificate for another key

cd ~
nginx_start own "$own" 'ssl_certificate ../mqtt.pem' 'ssl_certificate_key ../mqtt.key'
for version in 1.2 1.3 1.2 1.3; do
    same " TLSv$version" env -u OPENSSL_CONF curl -sS --tlsv$version --tls-max $version --cacert ca.pem "https://localhost:$own/"
done
kill "${children[-1]}" # it has the TPM for itself: there is no resource manager here
wait "${children[-1]}" || die "nginx did not end in peace"
unset 'children[-1]'

printf '%s\n' "listener $broker 127.0.0.1" 'allow_anonymous true' 'require_certificate true' 'use_identity_as_username true' "cafile $HOME/ca.pem" \
    "certfile $HOME/server.pem" "keyfile $HOME/server.key" "user $(id -un)" >broker.conf
env -u OPENSSL_CONF mosquitto -c broker.conf >broker.log 2>&1 &
children+=($!)
await "$broker"
for version in 1.2 1.3; do
    talk=(-h localhost -p "$broker" --cafile ca.pem --cert mqtt.pem --key mqtt.key --tls-version "tlsv$version" -t t)
    mosquitto_pub "${talk[@]}" -r -m "hello $version"
    same "hello $version" mosquitto_sub "${talk[@]}" -C 1 -W 20
done
expect 0 "u'device'" cat broker.log
expect 1 '' env -u OPENSSL_CONF mosquitto_pub -h localhost -p "$broker" --cafile ca.pem --cert mqtt.pem --key mqtt.key -t t -m x

# ---- store URIs ----

export BIRTHMARK_ROOT=$root
uri=birthmark:service=mqtt
expect 0 '^Total found: 3$' openssl storeutl -noout "$uri" # key, leaf, CA
for version in 1_2 1_3; do
    client=(openssl s_client -quiet -ign_eof -connect "127.0.0.1:$gate" -CAfile ca.pem -verify_return_error "-tls$version" -key "$uri" -cert "$uri")
    expect 0 "CN=device TLSv${version/_/.}" "${client[@]}" < <(printf 'GET / HTTP/1.0\r\n\r\n')
done
openssl req -new -key "$uri" -subj /CN=again -out again.csr
expect 0 'OK' openssl req -in again.csr -verify -noout
[ "$(openssl req -in again.csr -pubkey -noout)" = "$(cat public.pem)" ] || die "the request is for another key"
echo hello >message
openssl cms -sign -binary -nodetach -in message -signer "$uri" -inkey "$uri" -outform DER -out message.cms
expect 0 '^hello$' openssl cms -verify -inform DER -in message.cms -CAfile ca.pem -purpose any

# a root in the URI itself, for a program without BIRTHMARK_ROOT; a module in it is refused, since it is code
unset BIRTHMARK_ROOT
encoded() { sed 's/%/%25/g; s/;/%3B/g; s/module-path=[^&]*&*//' <<<"$1"; }
openssl req -new -key "$uri;root=$(encoded "$root")" -subj /CN=again -out again.csr
expect 1 'no root of trust is named: set BIRTHMARK_ROOT' openssl req -new -key "$uri" -subj /CN=x
expect 1 'may not name a PKCS#11 module' openssl req -new -key "$uri;root=pkcs11:token=x?module-path=/tmp/x.so" -subj /CN=x
expect 1 'may not hold a PIN' openssl req -new -key "$uri;root=pkcs11:token=x?pin-value=1234" -subj /CN=x
expect 1 'write birthmark:service=NAME' openssl req -new -key "birthmark:service=../x" -subj /CN=x
export BIRTHMARK_ROOT=$root
expect 1 'no live key for service nobody' openssl req -new -key birthmark:service=nobody -subj /CN=x

# the private half never comes out
expect 1 '' openssl pkey -in mqtt.key
if grep -q PRIVATE <<<"$said"; then die "a private key came out"; fi

# ---- clean ----

if command -v valgrind >/dev/null; then
    for version in 1_2 1_3; do
        client=(openssl s_client -quiet -ign_eof -connect "127.0.0.1:$gate" -CAfile ca.pem -verify_return_error "-tls$version" -key "$uri" -cert "$uri")
        expect 0 "CN=device" valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite "${client[@]}" < <(printf 'GET / HTTP/1.0\r\n\r\n')
        if grep -q '^==' <<<"$said"; then die "valgrind: $said"; fi
    done
else
    echo "valgrind is not installed: not run under it"
fi
echo "$kind: nginx, curl, mosquitto_pub, mosquitto_sub and openssl use a key in it"
