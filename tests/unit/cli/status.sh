#!/bin/bash
# status.sh - anybody asks what became of certificates: lists by bucket as openssl reads them, OCSP as openssl and curl ask; on time, and without a way around.
#
#   status.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2034,SC2154 # from and for there: $source, $build, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
PATH=$PATH:/usr/sbin:/sbin
tools openssl curl base64

maker maker
for n in 1 2 3 4 5; do chip "c$n" "C-$n"; done
profile() { # NAME: its text, in which two certificates share a list
    printf '%s\n' birthmark/profile/v1 "name $1" 'version 1' 'service mqtt' 'ca operational' 'days 90' 'revocation both' 'bucket 2' 'evidence software' \
        'key P-256' 'eku clientAuth' 'hardware-module no'
}
site() { # [OPTION...]: made, with a lot of those chips, and served
    birthmark init --name "Status Works" --url https://localhost:8443 "$@"
    birthmark vendor add "Example Silicon" --signer maker.pub
    birthmark lot receive EX-001.manifest --vendor "Example Silicon" --expect 5
    profile asked >asked.profile
    birthmark profile activate asked.profile
    birthmark order open first --lot EX-001 --profile asked --quantity 5
    serve
}
{
    birthmark lot sign --key maker.key --vendor "Example Silicon" --lot EX-001 ./c?.der -o EX-001.manifest
    site
    for n in 1 2 3 4 5; do enrol "c$n.pem"; done
} >setup.log 2>&1
for n in 1 2 3 4 5; do cp "$HOME/c$n.pem.d/live/mqtt.pem" "d$n.pem"; done
id_of() { field device birthmark device list --chip "$1"; }
serial_of() { openssl x509 -in "$1" -noout -serial | cut -d= -f2 | tr '[:upper:]' '[:lower:]'; }
root=$BIRTHMARK_HOME/root.pem ca=$BIRTHMARK_HOME/ca/operational.pem
get() { curl -sSf --cacert "$root" --connect-to "localhost:8443:localhost:$port" "$@"; }

# ---- lists ----

# proves: RFC5280 5.2.5
for at in 1:1 2:1 3:2 4:2 5:3; do
    openssl x509 -in "d${at%:*}.pem" -noout -text >text
    grep -q "URI:https://localhost:8443/crl/operational-${at#*:}.crl" text || die "certificate ${at%:*} does not point to list ${at#*:}"
    grep -q 'OCSP - URI:https://localhost:8443/ocsp' text || die "certificate ${at%:*} does not point to the responder"
done
fetch() { # all lists, in all.pem
    get https://localhost:8443/crl/operational.txt >lists
    xargs curl -sSf --fail-early --cacert "$root" --connect-to "localhost:8443:localhost:$port" <lists >all.pem
}
verified() { openssl verify -CAfile "$root" -untrusted "$ca" -crl_check -CRLfile "$2" "$1" >verify.log 2>&1; }
fetch
[ "$(sed 's|.*/||' lists | paste -sd' ')" = 'operational-1.pem operational-2.pem operational-3.pem operational-4.pem operational-5.pem' ] ||
    die "the lists are $(cat lists)" # two that nobody points to yet
for n in 1 2 3 4 5; do verified "d$n.pem" all.pem || die "openssl does not take d$n.pem: $(cat verify.log)"; done
get https://localhost:8443/crl/operational-2.crl | openssl crl -inform DER -out second.pem
if verified d1.pem second.pem; then die "a list of other certificates speaks for this one"; fi
get https://localhost:8443/crl/operational-2.pem | cmp - second.pem || die "a list is not the same in PEM"
for path in operational operational-6 operational-0 nobody-1; do
    [ "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$root" "https://localhost:$port/crl/$path.crl")" = 404 ] || die "there is a list $path"
done

# ---- OCSP: openssl asks ----

ask() { # OPTION...: what openssl says of the answer
    openssl ocsp -url "https://localhost:$port/ocsp" -issuer "$ca" -CAfile "$root" -verify_other "$ca" "$@" >ocsp.log 2>&1 || :
    cat ocsp.log
}
says() { # PATTERN OPTION...
    local pattern=$1
    shift
    ask "$@" | grep -q 'Response verify OK' || die "openssl does not take the answer: $(cat ocsp.log)"
    grep -qE "$pattern" ocsp.log || die "OCSP does not say $pattern: $(cat ocsp.log)"
    if grep -q WARNING ocsp.log; then die "OCSP: $(cat ocsp.log)"; fi
}
# proves: RFC6960 2.2
says '^d1.pem: good' -cert d1.pem
says '^d1.pem: good' -no_nonce -cert d1.pem
says '^d1.pem: good' -sha256 -cert d1.pem
says '^0x1234: unknown' -serial 0x1234
says '^d2.pem: good' -cert d1.pem -cert d2.pem
ask -issuer "$root" -serial 1 | grep -q 'unauthorized (6)' || die "the root's certificates are told of: $(cat ocsp.log)"
ask -issuer "$BIRTHMARK_HOME/ca/idevid.pem" -serial "0x$(serial_of d1.pem)" | grep -q ': unknown' || die "another CA's certificate: $(cat ocsp.log)"
openssl ocsp -url "https://localhost:$port/ocsp" -issuer "$ca" -cert d1.pem -CAfile "$root" -resp_text -noverify 2>/dev/null >text || :
for word in 'OCSP Signing' 'OCSP No Check'; do grep -q "$word" text || die "the responder has another certificate: $(cat text)"; done

# ---- on time ----

der() { openssl ocsp -issuer "$ca" -cert "$1" -no_nonce -reqout asked.der >/dev/null 2>&1; }
status_of() { openssl ocsp -respin answer.der -issuer "$ca" -cert "$1" -CAfile "$root" -verify_other "$ca" 2>&1 | grep "^$1:"; }
by_get() { # CERTIFICATE: status by GET, as a cache would ask, plain and with what may be encoded
    der "$1"
    text=$(base64 -w0 asked.der)
    get -D head -o answer.der "https://localhost:8443/ocsp/$text"
    get "https://localhost:8443/ocsp/$(sed 's/+/%2B/g; s|/|%2F|g; s/=/%3d/g' <<<"$text")" | cmp - answer.der || die "an encoded GET is answered otherwise"
    status_of "$1"
}
by_get d1.pem | grep -q good || die "d1.pem is not good by GET"
# proves: RFC5019 6.2
for line in 'Cache-Control: max-age=[1-9][0-9]{0,3}, public' 'Expires: '; do grep -qiE "^$line" head || die "nobody may keep the answer: $(cat head)"; done
by_get d1.pem >/dev/null
cp answer.der kept.der
by_get d1.pem >/dev/null
cmp answer.der kept.der || die "an answer that holds is made anew"

began=$(date +%s%N)
expect 0 '' birthmark identity revoke "$(serial_of d1.pem)" --reason keyCompromise
get https://localhost:8443/crl/operational-1.crl >first.crl
took=$((($(date +%s%N) - began) / 1000000))
openssl crl -inform DER -in first.crl -noout -text >text
grep -qi "Serial Number: $(serial_of d1.pem)" text || die "who is compromised is in no list"
by_get d1.pem | grep -q revoked || die "an answer from before is given out still"
says 'Reason: keyCompromise' -cert d1.pem
fetch
if verified d1.pem all.pem; then die "openssl takes who is revoked"; fi
verified d2.pem all.pem || die "one more than the revoked one is turned away: $(cat verify.log)"
echo "revoked for a compromised key: by the command and in the list after $took ms"

expect 0 '' birthmark device suspend "$(id_of C-2)" --reason lost
says 'd2.pem: revoked' -cert d2.pem
grep -q 'Reason: certificateHold' ocsp.log || die "a suspended device is not on hold: $(cat ocsp.log)"
by_get d2.pem | grep -q revoked || die "a suspended device is good by GET"
expect 0 '' birthmark device resume "$(id_of C-2)" --reason found
says 'd2.pem: good' -cert d2.pem
by_get d2.pem | grep -q good || die "a resumed device is not good by GET"

# ---- hostile questions ----

code() { curl -s -o answer.der -w '%{http_code}' --cacert "$root" -H 'Content-Type: application/ocsp-request' "$@" "https://localhost:$port/ocsp"; }
error_is() { # NUMBER: the answer is this OCSPResponseStatus and nothing else
    [ "$(od -An -tx1 answer.der | tr -d ' \n')" = "30030a010$1" ] || die "the answer is $(od -An -tx1 answer.der), not error $1"
}
printf 'no question' >bad
[ "$(code --data-binary @bad)" = 200 ] || die "what is no question has no answer"
error_is 1
head -c 65536 /dev/zero >bad
[ "$(code --data-binary @bad)" = 413 ] || die "64 KiB are read"
many=()
for n in $(seq 100); do many+=(-serial "$n"); done
openssl ocsp -issuer "$ca" "${many[@]}" -no_nonce -reqout bad >/dev/null 2>&1
[ "$(code --data-binary @bad)" = 200 ] || [ "$(code --data-binary @bad)" = 413 ] || die "100 certificates at once"
head -c 4000 bad >short
code --data-binary @short >/dev/null
error_is 1
der d3.pem
{ cat asked.der; printf x; } >bad
code --data-binary @bad >/dev/null
error_is 1
[ "$(curl -s -o answer.der -w '%{http_code}' --cacert "$root" "https://localhost:$port/ocsp/%41")" = 400 ] || die "a path is decoded"
[ "$(curl -s -o answer.der -w '%{http_code}' --cacert "$root" "https://localhost:$port/ocsp/AAAA")" = 200 ] || die "a GET that asks nothing"
error_is 1
crowd=()
for _ in $(seq 40); do
    openssl ocsp -url "https://localhost:$port/ocsp" -issuer "$ca" -serial "0x$(openssl rand -hex 16)" -noverify >/dev/null 2>&1 &
    crowd+=($!)
done
for one in "${crowd[@]}"; do wait "$one" || die "one of many has no answer"; done
says 'd3.pem: good' -cert d3.pem

# ---- and on record ----

# proves: ARCHITECTURE 2

unserve
serve
says 'd1.pem: revoked' -cert d1.pem
says 'd2.pem: good' -cert d2.pem
[ "$(birthmark ledger show 2>/dev/null | grep -c responder-certified)" = 2 ] || die "the responders' certificates are not in the ledger once each"
expect 0 '' birthmark ledger verify
unserve

# ---- a server that asks: nginx, by GET on the plain port (docs/status.md) ----

asking() { # nginx, and the site with a plain port
    local try plain='' at spool=$HOME/nginx.spool # nginx makes it its worker's own
    mkdir "$spool"
    birthmark serve --listen 127.0.0.1:0 --listen-http 127.0.0.1:0 >serve.log 2>&1 &
    server=$!
    for try in $(seq 400); do
        port=$(sed -n 's|^birthmark serves https://127.0.0.1:\([0-9]*\).*|\1|p' serve.log)
        plain=$(sed -n 's|^birthmark serves http://127.0.0.1:\([0-9]*\).*|\1|p' serve.log)
        if [ -n "$port" ] && [ -n "$plain" ]; then break; fi
        sleep 0.05
    done
    cat "$ca" "$root" >trusts.pem
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout web.key -out web.pem 2>/dev/null
    for try in $(seq 20); do
        at=$((20000 + RANDOM % 20000)) web=https://localhost:$at/
        cat >nginx.conf <<CONF
daemon off; pid $HOME/nginx.pid; error_log $HOME/nginx.log info; worker_processes 1;
events { }
http {
    access_log off; client_body_temp_path $spool; proxy_temp_path $spool; fastcgi_temp_path $spool; uwsgi_temp_path $spool; scgi_temp_path $spool;
    server {
        listen 127.0.0.1:$at ssl;
        ssl_certificate $HOME/web.pem; ssl_certificate_key $HOME/web.key;
        ssl_client_certificate $HOME/trusts.pem; ssl_verify_client on; ssl_verify_depth 3;
        ssl_ocsp leaf; ssl_ocsp_responder http://127.0.0.1:$plain/ocsp;
        location / { return 200 "let in\\n"; }
    }
}
CONF
        nginx -c "$HOME/nginx.conf" >nginx.out 2>&1 &
        nginx=$!
        for _ in $(seq 100); do
            if (exec 3<>"/dev/tcp/127.0.0.1/$at") 2>/dev/null; then return 0; fi
            kill -0 "$nginx" 2>/dev/null || break # the port is somebody's
            sleep 0.05
        done
    done
    die "nginx does not start ($try)"
}
finish_more() { if [ -n "$nginx" ]; then kill "$nginx" 2>/dev/null || :; fi; }
lets_in() { curl -s --cacert web.pem --cert "c$1.pem.d/live/mqtt.pem" --key "c$1.pem.d/live/mqtt.pem" "$web" | grep -q 'let in'; }
nginx=''
if command -v nginx >/dev/null; then
    asking
    lets_in 3 || die "nginx turns a good device away: $(tail -n 3 nginx.log)"
    if lets_in 1; then die "nginx lets in who is revoked"; fi
    expect 0 '' birthmark device suspend "$(id_of C-3)" --reason lost
    if lets_in 3; then die "nginx lets in who is suspended"; fi
    expect 0 '' birthmark device resume "$(id_of C-3)" --reason found
    lets_in 3 || die "nginx turns a resumed device away: $(tail -n 3 nginx.log)"
    kill "$nginx"
    wait "$nginx" || :
    nginx=''
    unserve
else
    echo "nginx is not installed: not asked"
fi

# ---- the CA's keys and the responder's in a token ----

command -v softhsm2-util >/dev/null || exit 0
export SOFTHSM2_CONF=$HOME/softhsm2.conf BIRTHMARK_HOME=$HOME/hard
mkdir tokens
printf 'directories.tokendir = %s/tokens\n' "$HOME" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label ca --so-pin 12345678 --pin 1234 >/dev/null
printf 1234 >pin
root=$BIRTHMARK_HOME/root.pem ca=$BIRTHMARK_HOME/ca/operational.pem
rm -rf ./c?.pem.d
{
    site --token "pkcs11:token=ca?pin-source=$HOME/pin"
    enrol c1.pem
} >setup.log 2>&1
cp "$HOME/c1.pem.d/live/mqtt.pem" h1.pem
grep -q '^ocsp pkcs11:' "$BIRTHMARK_HOME/site.conf" || die "the responder's key is in no token"
[ ! -e "$BIRTHMARK_HOME/signer/ocsp.key" ] || die "the responder's key is in a file too"
for _ in $(seq 50); do # the first question has its certificate made
    if ask -cert h1.pem | grep -q 'h1.pem: good'; then break; fi
    sleep 0.1
done
says 'h1.pem: good' -cert h1.pem
expect 0 '' birthmark identity revoke "$(serial_of h1.pem)" --reason keyCompromise
says 'Reason: keyCompromise' -cert h1.pem
