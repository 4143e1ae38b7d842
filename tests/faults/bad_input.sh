#!/bin/bash
# bad_input.sh - malformed bytes at every door of a running server and of the command: the right status or exit code, one sentence, and no change of
# state but refusals on record, of which strangers get ten a minute.
#
#   bad_input.sh BUILD-DIRECTORY PKIDATA-PROGRAM
# shellcheck disable=SC1091,SC2154 # from there: $build, $work, $home, $server, $port, $said, $passed
. "$(dirname "$0")/lib.sh" bad-input "$1"
pkidata=$(realpath "$2")
site_make 2 2
server_start
url=https://localhost:$port
started=$SECONDS

state() { # all that may not change
    local list
    for list in lot order vendor device identity; do birthmark $list list --json; done
}
leaves() { birthmark site show --json | grep -o '"ledger_size":[0-9]*' | cut -d: -f2; }
state >"$work/before"
leaves_before=$(leaves)
unchanged() { # WHAT
    state >"$work/after"
    cmp -s "$work/before" "$work/after" || die "$1 changed something: $(diff "$work/before" "$work/after")"
    kill -0 "$server" || die "$1 ended the server"
    ! grep -q 'starting all processes again' "$work/server.log" || die "$1 made a process fail"
    ok "$1: nothing changed"
}
one_sentence() { # TEXT: one line, not empty, with words in it
    [ "$(printf '%s\n' "$1" | wc -l)" = 1 ] && grep -qE '[a-z]+ [a-z]+' <<<"$1"
}

# ---- HTTP ----
http() { # WANTED NAME REQUEST(printf): what the server answers first
    local status
    # shellcheck disable=SC2059 # the requests are formats
    status=$( (printf "$3"; sleep 0.3) | timeout 10 openssl s_client -quiet -connect "127.0.0.1:$port" -CAfile "$home/root.pem" 2>/dev/null |
        head -n 1 | tr -d '\r' | cut -d' ' -f2 || :)
    [[ " $1 " == *" ${status:-none} "* ]] || die "HTTP, $2: answered ${status:-none}, not $1"
    passed=$((passed + 1))
}
h='Host: x\r\nConnection: close\r\n'
j='Content-Type: application/json\r\n'
http 200 "a good request" "GET /healthz HTTP/1.1\r\n$h\r\n"
http 404 "no such path" "GET /nothing HTTP/1.1\r\n$h\r\n"
http 400 "a path with a query" "GET /healthz?x=1 HTTP/1.1\r\n$h\r\n"
http "400 404" "a path that goes up" "GET /ca/../signer/journal HTTP/1.1\r\n$h\r\n"
http "400 404" "a path with percent signs" "GET /%%2e%%2e/signer/journal HTTP/1.1\r\n$h\r\n"
http 404 "a label of nobody" "GET /.well-known/est/../cacerts HTTP/1.1\r\n$h\r\n"
http 405 "another method" "POST /healthz HTTP/1.1\r\n${h}Content-Length: 0\r\n\r\n"
http 501 "no method" "BREW /pot HTTP/1.1\r\n$h\r\n"
http "400 505" "no version" "GET /healthz\r\n\r\n"
http 505 "HTTP/2 in words" "GET /healthz HTTP/2.0\r\n$h\r\n"
http 400 "two lengths" "POST /v1/confirm HTTP/1.1\r\n$h${j}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"
http 400 "a length with a sign" "POST /v1/confirm HTTP/1.1\r\n$h${j}Content-Length: +2\r\n\r\n{}"
http 400 "a length with a space" "POST /v1/confirm HTTP/1.1\r\n$h${j}Content-Length : 2\r\n\r\n{}"
http "400 413" "a length of 30 digits" "POST /v1/confirm HTTP/1.1\r\n$h${j}Content-Length: 111111111111111111111111111111\r\n\r\n{}"
http 413 "a length beyond the door's" "POST /v1/confirm HTTP/1.1\r\n$h${j}Content-Length: 1025\r\n\r\n{}"
http "400 411" "a length and chunks" "POST /v1/confirm HTTP/1.1\r\n$h${j}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
http 411 "neither length nor chunks" "POST /v1/confirm HTTP/1.1\r\n$h$j\r\n"
http 400 "a folded header" "GET /healthz HTTP/1.1\r\n${h}X: a\r\n b\r\n\r\n"
http 400 "a header without a colon" "GET /healthz HTTP/1.1\r\n${h}nonsense\r\n\r\n"
http 400 "a NUL in a header" "GET /healthz HTTP/1.1\r\n${h}X: a\\000b\r\n\r\n"
http 431 "a head of 9,000 bytes" "GET /healthz HTTP/1.1\r\n${h}X: $(head -c 9000 /dev/zero | tr '\0' a)\r\n\r\n"
http 431 "70 headers" "GET /healthz HTTP/1.1\r\n$h$(for i in $(seq 70); do printf 'X-%d: 1\\r\\n' "$i"; done)\r\n"
http 417 "an expectation" "POST /v1/confirm HTTP/1.1\r\n$h${j}Expect: miracles\r\nContent-Length: 2\r\n\r\n{}"
http 415 "another type" "POST /v1/confirm HTTP/1.1\r\n${h}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"
# not TLS at all, and TLS that breaks off
printf 'GET / HTTP/1.0\r\n\r\n' | timeout 3 bash -c "cat >/dev/tcp/127.0.0.1/$port" 2>/dev/null || :
head -c 4000 /dev/urandom | timeout 3 bash -c "cat >/dev/tcp/127.0.0.1/$port" 2>/dev/null || :
unchanged "HTTP"

# ---- JSON ----
curl=(curl --silent --max-time 20 --cacert "$home/root.pem" -o "$work/reply" -w '%{http_code}')
json() { # WANTED PATH BODY
    local status
    status=$(printf '%s' "$3" | "${curl[@]}" -H 'Content-Type: application/json' --data-binary @- "$url$2")
    [ "$status" = "$1" ] || die "$2 with '$3' was answered $status, not $1: $(cat "$work/reply")"
    one_sentence "$(cat "$work/reply")" || die "$2 with '$3' is not refused in one sentence: $(cat "$work/reply")"
    passed=$((passed + 1))
}
nested=$(head -c 40 /dev/zero | tr '\0' '[')
bad_bodies=('' '{' '[]' 'null' '7' '{}{}' '{"a":1}' '{"service":1}' '{"service":"mqtt","service":"ssh"}' "$nested" $'{"service":"a\xff"}'
    '{"service":"a\u0000b","ek":"","ak":""}' '{"service":"mqtt","ek":"!!","ak":"AA=="}' '{"service":"mqtt","ek":"AA==","ak":"AA=="}')
for body in "${bad_bodies[@]}"; do
    for path in /v1/tpm/challenge /v1/tpm/enrol /v1/renew /.well-known/est/nonce; do json 400 $path "$body"; done
    [ "$body" = '{}' ] || json 400 /v1/confirm "$body"
done
json 403 /v1/confirm '{}'
json 400 /.well-known/est/nonce '{"reqInfo":"AAAA"}'
json 400 /.well-known/est/nonce '{"reqInfo":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","len":7}'
renew='"service":"mqtt","key":"AA==","renewal":"AA=="'
for body in "{$renew}" "{$renew,\"cmc\":\"AA==\"}" "{$renew,\"cmc\":7}" "{$renew,\"tpm\":{}}" "{$renew,\"tpm\":[]}" "{$renew,\"cmc\":\"AA==\",\"tpm\":{}}"; do
    json 400 /v1/renew "$body"
done
unchanged "JSON"

# ---- CSR and CMC: no certificates in it, which are labels that nobody signed: every byte counts ----
key=$work/c1.pem
openssl req -x509 -new -key "$key" -subj /CN=root -days 1 -out "$work/chip.crt"
hash=$(openssl pkey -in "$key" -pubout -outform DER | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=\n')
curl -s --cacert "$home/root.pem" -H 'Content-Type: application/json' -d "{\"reqInfo\":\"$hash\"}" "$url/.well-known/est/nonce" |
    sed -n 's/^{"nonce":"\([A-Za-z0-9_-]*\)".*/\1/p' >"$work/nonce"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/new.key" 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out "$work/odd.key" 2>/dev/null
cmc() { # CSR OUT: signed by the chip
    "$pkidata" "$1" "$(cat "$work/nonce")" "$work/pkidata.der" || return 1
    openssl cms -sign -binary -nodetach -nosmimecap -nocerts -econtent_type 1.3.6.1.5.5.7.12.2 -keyid -md sha256 -in "$work/pkidata.der" \
        -signer "$work/chip.crt" -inkey "$key" -outform DER -out "$2"
}
fullcmc() { # WANTED NAME FILE
    local status
    status=$(base64 -w 0 "$3" | "${curl[@]}" -H 'Content-Type: application/pkcs7-mime' --data-binary @- "$url/.well-known/est/bench-1/fullcmc")
    [[ " $1 " == *" $status "* ]] || die "CMC, $2: answered $status, not $1: $(head -c 300 "$work/reply")"
    one_sentence "$(cat "$work/reply")" || die "CMC, $2: not one sentence: $(head -c 300 "$work/reply")"
    passed=$((passed + 1))
}
openssl req -new -key "$work/new.key" -subj /CN=x -outform DER -out "$work/csr.der"
cmc "$work/csr.der" "$work/good.der"
size=$(stat -c %s "$work/good.der")
for n in $(seq 0 $((size / 25 + 1)) $((size - 1))); do # cut
    head -c "$n" "$work/good.der" >"$work/bad.der"
    fullcmc 400 "cut after $n bytes" "$work/bad.der"
done
for n in $(seq 3 $((size / 30 + 1)) $((size - 1))); do # one bit of one byte
    cp "$work/good.der" "$work/bad.der"
    byte=$(od -An -tu1 -j "$n" -N 1 "$work/bad.der")
    # shellcheck disable=SC2059 # the byte as an escape
    printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$work/bad.der" bs=1 seek="$n" conv=notrunc status=none
    fullcmc "400 403" "a changed byte at $n" "$work/bad.der"
done
cat "$work/good.der" "$work/good.der" >"$work/bad.der"
fullcmc 400 "twice in a row" "$work/bad.der"
head -c 30000 /dev/urandom >"$work/bad.der"
fullcmc 400 "noise" "$work/bad.der"
fullcmc 400 "a bare CSR" "$work/csr.der"
openssl cms -sign -binary -nodetach -keyid -in "$work/csr.der" -signer "$work/chip.crt" -inkey "$key" -outform DER -out "$work/bad.der"
fullcmc 400 "a CMS of something else" "$work/bad.der"
openssl req -new -key "$work/odd.key" -subj /CN=x -outform DER -out "$work/odd.csr"
! cmc "$work/odd.csr" "$work/bad.der" 2>/dev/null || fullcmc 400 "a curve that is not taken" "$work/bad.der"
openssl req -new -key "$key" -subj /CN=x -outform DER -out "$work/root.csr"
cmc "$work/root.csr" "$work/bad.der"
fullcmc 403 "a CSR for the root key itself" "$work/bad.der"
openssl req -new -key "$work/new.key" -subj /CN=x -outform DER | head -c -1 >"$work/torn.csr"
printf 'x' >>"$work/torn.csr"
cmc "$work/torn.csr" "$work/bad.der"
fullcmc "400 403" "a CSR with a broken signature" "$work/bad.der"
for text in '' '!' 'AA=' '====' 'AAAA====' "$(head -c 100 /dev/zero | tr '\0' '-')"; do
    status=$(printf '%s' "$text" | "${curl[@]}" -H 'Content-Type: application/pkcs7-mime' --data-binary @- "$url/.well-known/est/bench-1/fullcmc")
    [ "$status" = 400 ] || die "fullcmc with '$text' was answered $status"
    passed=$((passed + 1))
done
unchanged "CSR and CMC"
grown=$(($(leaves) - leaves_before))
most=$((11 * ((SECONDS - started) / 60 + 2) + 4)) # ten and one that counts, a minute; four that the chip itself signed
[ $grown -le $most ] || die "the ledger grew by $grown leaves, $most may be"
ok "the ledger grew by $grown leaves of refusals"

# ---- manifests: refused by `lot receive`, with an alarm where it is a lot's file at all ----
receive() { # NAME FILE
    local status=0
    said=$(birthmark lot receive "$2" --vendor Maker 2>&1 >/dev/null) || status=$?
    if [ $status != 1 ] || ! one_sentence "$said" || [[ $said != refused:* ]]; then die "a manifest, $1: exit $status: $said"; fi
    passed=$((passed + 1))
}
birthmark chip create --root "soft:$work/d.pem" --id D-1 -o "$work/d.der" >/dev/null
birthmark lot sign "$work/d.der" --key "$work/maker.key" --vendor Maker --lot L-2 -o "$work/L-2" >/dev/null
size=$(stat -c %s "$work/L-2")
for n in $(seq 0 $((size / 15 + 1)) $((size - 1))); do
    head -c "$n" "$work/L-2" >"$work/bad"
    receive "cut after $n bytes" "$work/bad"
    cp "$work/L-2" "$work/bad"
    printf '\0' | dd of="$work/bad" bs=1 seek="$n" conv=notrunc status=none
    receive "a zero at $n" "$work/bad"
done
cat "$work/L-2" "$work/L-2" >"$work/bad"
receive "twice in a row" "$work/bad"
printf '[{"payload":"e30","protected":"e30","header":{"uniqueId":"00"},"signature":"AA"}]' >"$work/bad"
receive "a Microchip file of a vendor who makes none" "$work/bad"
head -c 50000 /dev/urandom >"$work/bad"
receive "noise" "$work/bad"
receive "a directory" "$work"
receive "nothing" "$work/nothing"
unchanged "manifests"

# ---- command lines: 2 for how it is used, 1 for what is asked; one line each ----
line() { # WANTED ARGUMENT...
    local want=$1 status=0
    shift
    said=$(birthmark "$@" 2>&1 >/dev/null </dev/null) || status=$?
    if [ $status != "$want" ] || ! one_sentence "$said"; then die "birthmark $*: exit $status, not $want: $said"; fi
    passed=$((passed + 1))
}
line 2 nothing
line 2 lot nothing
line 2 lot receive
line 2 lot receive a b --vendor Maker
line 2 lot receive "$work/L-2" --vendor
line 2 lot receive "$work/L-2" --vendor Maker --vendor Maker
line 2 lot receive "$work/L-2" --vendor Maker --expect -1
line 2 lot receive "$work/L-2" --vendor Maker --expect 1x
line 2 lot list --color red
line 2 order open o-2 --lot L-1 --profile bench-1 --quantity 0
line 2 order open o-2 --lot L-1 --profile bench-1 --quantity 99999999999999999999
line 2 order open o-2 --lot L-1 --profile bench-1 --quantity 1 --until tomorrow
line 2 order open "o 2" --lot L-1 --profile bench-1 --quantity 1
line 2 order open o-2 --lot L-1 --profile ../../etc/passwd --quantity 1
line 1 order open o-2 --lot L-9 --profile bench-1 --quantity 1
line 1 order open o-1 --lot L-1 --profile bench-1 --quantity 1
line 1 order show nothing
line 1 device show 0000
line 1 identity revoke 00ff --reason keyCompromise
line 2 identity revoke 00ff --reason boredom
line 1 alarm settle 99999 --note x
line 2 alarm settle x --note x
line 1 vendor show Nobody
line 1 ledger prove 99999
line 1 lot list --home /nonexistent
unchanged "command lines"
server_stop

# ---- site.conf and profiles ----
cp "$home/site.conf" "$work/site.conf"
conf() { # NAME SED-SCRIPT
    local status=0
    sed "$2" "$work/site.conf" >"$home/site.conf"
    ! cmp -s "$home/site.conf" "$work/site.conf" || die "site.conf, $1: nothing was changed"
    said=$(birthmark lot list 2>&1 >/dev/null) || status=$?
    if { [ $status != 1 ] && [ $status != 3 ]; } || ! one_sentence "$said"; then die "site.conf, $1: exit $status: $said"; fi
    passed=$((passed + 1))
}
conf "another version" 's/^birthmark\/site\/v1/birthmark\/site\/v9/'
conf "no name" '/^name /d'
conf "two names" 's/^name .*/&\n&/'
conf "an unknown line" '1a color red'
conf "no operational CA" '/^ca operational/d'
conf "a key that is nowhere" 's/^ca operational .*/ca operational operational file:signer\/nothing.key/'
conf "a key elsewhere" 's/^ca operational .*/ca operational operational file:..\/..\/etc\/passwd/'
conf "a key of a strange kind" 's/^ca operational .*/ca operational operational ftp:x/'
conf "carriage returns" 's/$/\r/'
conf "an empty file" 'd'
conf "the other CA's key" 's/^ca operational .*/ca operational operational file:signer\/idevid.key/'
cp "$work/site.conf" "$home/site.conf"
profile() { # NAME SED-SCRIPT
    local status=0
    sed "$2" "$home/profiles/bench-1.profile" >"$work/bad.profile"
    said=$(birthmark profile check "$work/bad.profile" 2>&1 >/dev/null) || status=$?
    if [ $status != 1 ] || ! one_sentence "$said"; then die "a profile, $1: exit $status: $said"; fi
    passed=$((passed + 1))
}
profile "a day too many" 's/^days .*/days 3651/'
profile "negative" 's/^days .*/days -1/'
profile "no key" '/^key /d'
profile "an unknown line" '1a color red'
profile "another CA" 's/^ca .*/ca root/'
profile "empty" 'd'
unchanged_after() { state >"$work/after"; cmp -s "$work/before" "$work/after" || die "something changed in the end: $(diff "$work/before" "$work/after")"; }
unchanged_after
expect 0 '' birthmark ledger verify
echo "$passed cases"
