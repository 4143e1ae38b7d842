#!/bin/bash
# line_pcs.sh - stations that are not the site's machine: enrolled by a request, keys in a file, a token and a TPM; lines over TCP; units that fail at the
# station, and stations that are killed at every message.
#
#   line_pcs.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not, 77 there is no swtpm, SoftHSM or socat here
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
PATH=$PATH:/usr/sbin:/sbin
needs_roots tpm2
needs_roots pkcs11
tools swtpm swtpm_setup softhsm2-util socat
hardware=$source/tests/journey/virtual-hardware.sh
listener=

finish_more() {
    [ -z "$listener" ] || kill "$listener" 2>/dev/null || :
    "$hardware" stop "$HOME/chips" 2>/dev/null || :
}

export SOFTHSM2_CONF=$HOME/softhsm2.conf
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$HOME" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label line --so-pin 12345678 --pin 1234 >/dev/null
(umask 077 && echo 1234 >line.pin)
tpm=$("$hardware" start "$HOME/chips" --tpm 1 | cut -d ' ' -f 2)

maker silicon
for n in 1 2 3 4 5 6; do chip "chip$n" "C-$n"; done
{
    birthmark lot sign chip[1-6].der --key silicon.key --vendor Silicon --lot S-LOT -o S-LOT.manifest
    birthmark init --name "Example Works" --url https://localhost:8443
    birthmark vendor add Silicon --signer silicon.pub
    birthmark lot receive S-LOT.manifest --vendor Silicon --expect 6
} >setup.log 2>&1

# ---- three machines become stations; nothing but a request and a certificate goes from one to another ----

site() { birthmark "$@" --home "$HOME/works"; }
unset BIRTHMARK_HOME
pc() { # NAME VERB...: a command on that machine
    local name=$1
    shift
    BIRTHMARK_HOME=$HOME/$name birthmark "$@"
}
enrol_pc() { # NAME [OPTION...]
    local name=$1 key
    shift
    expect 0 "request +$HOME/$name/stations/$name.csr" pc "$name" station enrol "$name" "$@"
    key=$(sed -n 's/^key  *//p' <<<"$said")
    expect 0 "station enrol $name --certificate $name.pem --server URL" site station enrol "$name" --request "$name/stations/$name.csr" -o "$name.crt"
    grep -q "^key  *$key\$" <<<"$said" || die "the site enrolled another key: $said"
    expect 2 'say where the site.s server is' pc "$name" station enrol "$name" --certificate "$name.crt"
    expect 0 "site_root +$(sed -n 's/^root //p' works/trust.txt)" pc "$name" station enrol "$name" --certificate "$name.crt" --server "https://localhost:8443"
    expect 0 "$name +enrolled +0 +20[0-9TZ:-]+ +$key" site station list
}
expect 1 'this machine is no station yet' pc line-1 station run --order boards --service mqtt --link exec:true
enrol_pc line-1
enrol_pc line-2 --root "pkcs11:token=line;object=station?pin-source=$HOME/line.pin"
enrol_pc line-3 --root "$tpm"
for n in 1 2 3; do # once more: the same key
    expect 0 "key +$(openssl x509 -in line-$n.crt -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d ' ' -f 1)" pc line-$n station enrol line-$n
done
[ "$(grep -rl 'PRIVATE KEY' works | grep -c station)" = 0 ] || die "a station's key came to the site"
[ -z "$(find line-2 line-3 -name '*.key*')" ] || die "a key lies in a file that should not"
expect 0 'line-3 +station' site operator list
same 4 sh -c "birthmark ledger show --home works | grep -c roles-set" # the first officer's, and one for each

# ---- what is not this machine's, or was changed on the way ----

{
    echo '-----BEGIN CERTIFICATE REQUEST-----'
    grep -v -e ---- line-1/stations/line-1.csr | base64 -d | LC_ALL=C sed 's/line-1/line-4/' | base64
    echo '-----END CERTIFICATE REQUEST-----'
} >bad.csr
expect 1 'bad.csr' site station enrol line-4 --request bad.csr
expect 1 'CN=line-1 asks, and not station line-4' site station enrol line-4 --request line-1/stations/line-1.csr
p256 other.pem
openssl req -new -key other.pem -subj /CN=line-2 -out other.csr
expect 1 'station or an operator line-2 with another key' site station enrol line-2 --request other.csr
expect 1 'another key than this machine' pc line-1 station enrol line-1 --certificate line-2.crt --server https://localhost:8443
openssl x509 -in line-1.crt -out half.crt
expect 1 'take the whole file from the site' pc line-1 station enrol line-1 --certificate half.crt --server https://localhost:8443
cat line-1.crt line-2.crt >long.crt
expect 1 'more certificates than' pc line-1 station enrol line-1 --certificate long.crt --server https://localhost:8443
{ openssl x509 -in line-1.crt && openssl x509 -in line-2.crt && cat works/root.pem; } >wrong.crt
expect 1 'wrong.crt' pc line-1 station enrol line-1 --certificate wrong.crt --server https://localhost:8443
openssl genpkey -algorithm ed25519 -out ed.key
openssl req -new -key ed.key -subj /CN=line-4 -out ed.csr
expect 1 'a station signs with a P-256 key' site station enrol line-4 --request ed.csr
expect 2 'https://HOST' pc line-1 station enrol line-1 --certificate line-1.crt --server ftp://x

# a certificate that ends soon is said; none yet, too
openssl x509 -req -in line-1/stations/line-1.csr -CA works/ca/server.pem -CAkey works/ca/server.key -CAcreateserial -CAserial serial -days 9 \
    -extfile <(printf 'subjectAltName=DNS:station.birthmark.invalid\nextendedKeyUsage=serverAuth,clientAuth\n') -out soon.crt 2>/dev/null
cat works/ca/server.pem works/root.pem >>soon.crt
expect 0 site_root pc line-1 station enrol line-1 --certificate soon.crt --server https://localhost:8443
expect 3 'certificate ends in (9|10) days: enrol it once more' pc line-1 station run --order boards --service mqtt --link exec:true
expect 0 site_root pc line-1 station enrol line-1 --certificate line-1.crt --server https://localhost:8443
expect 0 request pc line-6 station enrol line-6
expect 1 'this station has no certificate yet' pc line-6 station run --order boards --service mqtt --link exec:true --server https://localhost:1 --cacert works/root.pem

# ---- each makes a unit, one of them over TCP ----

site order open boards --lot S-LOT --profile bench-1 --quantity 6 --station line-1 line-2 line-3 >>setup.log
export BIRTHMARK_HOME=$HOME/works
serve
agent() { echo "birthmark-agent link --stdio --root soft:$HOME/$1.pem --cacert $HOME/works/root.pem"; }
run() { # NAME LINK [OPTION...]
    local name=$1 link=$2
    shift 2
    pc "$name" station run --order boards --service mqtt --server "https://localhost:$port" --link "$link" "$@"
}
used() { site order show boards | sed -nE 's/^used +//p'; }

expect 0 '✓ unit 1' run line-2 "exec:$(agent chip2)"
expect 0 '✓ unit 1' run line-3 "exec:$(agent chip3)"
expect 3 'no device answers at 127.0.0.1:1' run line-1 tcp:127.0.0.1:1
expect 1 'tcp:HOST:PORT' run line-1 tcp:127.0.0.1
printf '#!/bin/sh\nexec %s\n' "$(agent chip1)" >line-agent && chmod +x line-agent # docs/station.md has it so: a colon means something to socat
socat -d -d TCP-LISTEN:0,bind=127.0.0.1,fork "EXEC:$HOME/line-agent" 2>socat.log &
listener=$!
for try in $(seq 200); do
    at=$(sed -nE 's/.*listening on .* (127\.0\.0\.1:[0-9]+).*/\1/p' socat.log)
    [ -z "$at" ] || break
    kill -0 "$listener" || die "socat: $(cat socat.log) ($try)"
    sleep 0.05
done
expect 0 '✓ unit 1' run line-1 "tcp:$at"
expect 0 'order boards: 1 of 1 done, yield 100.0 %, takt' run line-1 "tcp:$at" --count 2 # the same unit twice is one
[ "$(grep -c '✓ unit 1 ' <<<"$said")" = 2 ] || die "$said"
kill "$listener"
listener=
same 3 used
expect 0 'stations +line-1 1, line-2 1, line-3 1' site order show boards
expect 0 'line-2' sh -c "birthmark device list --station line-2 --json | sed -n 's/.*\"device\":\"\([0-9a-f]*\).*/\1/p' | xargs birthmark device show"

# ---- a unit that fails at the station is not done; tried again it is the same unit ----

cat >failing.sh <<END
n=\$(cat "$HOME/try") && echo \$((n + 1)) >"$HOME/try"
case \$n in
1) $(agent chip4) | sed -u 's/"fingerprint": *"[0-9a-f]*"/"fingerprint":"00"/' ;; # another certificate than it speaks of
2) $(agent chip4) | sed -u '/"say": *"identity"/,/no such line/ s/.*"say": *"tls".*/{"say":"proven","service":"mqtt"}/' ;; # says that it proved, and has not
*) $(agent chip4) ;;
esac
END
echo 1 >try
expect 1 '✗ unit 1  the device reads back a certificate that is not the one it speaks of' run line-1 "exec:sh $HOME/failing.sh"
grep -q 'order boards: 0 of 1 done, yield 0.0 %' <<<"$said" || die "$said"
expect 1 '✗ unit 1  the device says that it proved its identity, and has not' run line-1 "exec:sh $HOME/failing.sh"
echo 1 >try
expect 0 'order boards: 1 of 1 done, yield 100.0 % \(0.0 % at the first try\), takt' run line-1 "exec:sh $HOME/failing.sh" --count 3
[ "$(grep -c '✗ unit 1 ' <<<"$said")$(grep -c '✓ unit 1 ' <<<"$said")" = 21 ] || die "$said"
same 4 used

# ---- by hand, one after the other ----

expect 0 '2 of 2 done' run line-1 "exec:n=\$(cat $HOME/board); echo 4 >$HOME/board; exec birthmark-agent link --stdio --root soft:$HOME/chip\$n.pem --cacert $HOME/works/root.pem" \
    --pause < <(echo 1 >board && echo && echo q)
same 4 used

# ---- a station killed at any message, and started again: the same unit, counted once ----

for word in device post connect enrolled identity proven; do
    cat >slow.$word.sh <<END
$(agent chip5) | while read -r line; do
    case \$line in *'"say":"$word"'* | *'"say": "$word"'*) touch "$HOME/reached.$word" && sleep 2 ;; esac
    printf '%s\n' "\$line" || exit
done
END
    BIRTHMARK_HOME=$HOME/line-1 birthmark station run --order boards --service mqtt --server "https://localhost:$port" \
        --link "exec:exec sh $HOME/slow.$word.sh" >slow.log 2>&1 &
    station=$!
    for try in $(seq 400); do
        if [ -e "reached.$word" ]; then break; fi
        kill -0 "$station" 2>/dev/null || die "the station ended before $word: $(cat slow.log) ($try)"
        sleep 0.05
    done
    kill -9 "$station"
    { wait "$station"; } 2>kills.log || :
done
expect 0 '✓ unit 1' run line-1 "exec:$(agent chip5)"
same 5 used
expect 0 'stations +line-1 3, line-2 1, line-3 1' site order show boards

# ---- a store that is lost and made again from the journal counts the same ----

unserve
mv works/store works/lost && mkdir -m 700 works/store
expect 0 '' site site recover --reason "the disk was lost"
expect 0 'stations +line-1 3, line-2 1, line-3 1' site order show boards
expect 0 'line-1 +enrolled +3 ' site station list
same 5 used

# ---- where the list of operators takes two persons, a station does ----

first=$(find works/operators -name '*.key' -printf '%f\n' | sed 's/\.key$//')
{
    birthmark operator add olga --role officer --operator "$first"
    birthmark policy set roles --operator olga || :
    birthmark proposal approve 1 --operator "$first"
} >>setup.log 2>&1
expect 0 'request' pc line-5 station enrol line-5
expect 1 'proposal 2 waits: to say who may what takes two persons' site station enrol line-5 --request line-5/stations/line-5.csr --operator "$first"
expect 1 'there is no station line-5' site order open more --lot S-LOT --profile bench-1 --quantity 1 --station line-5 --operator "$first"
expect 0 approved site proposal approve 2 --operator olga
expect 0 'next' site station enrol line-5 --request line-5/stations/line-5.csr --operator "$first"
expect 0 'line-5 +revoked|no longer|line-1' site station revoke line-5 --operator olga # taking away takes one
expect 0 '' site ledger verify
