#!/bin/bash
# ceremony.sh - a root is made, signs, is followed by the next one; somebody else checks that elsewhere, and everything tampered with is named.
#
#   ceremony.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"

ceremony=(birthmark ca ceremony)
both=(--present anna=anna.key bert=bert.key)
request() { # NAME CN: NAME.csr, of a new key
    p256 "$1.pem"
    openssl req -new -key "$1.pem" -subj "/CN=$2" -out "$1.csr"
}

# used wrongly
expect 2 'say what to do' "${ceremony[@]}" root
expect 2 'say what to do' "${ceremony[@]}" root --name W --sign x.csr
expect 2 'does not go with --verify' "${ceremony[@]}" root --verify --name W
expect 2 'goes with --verify' "${ceremony[@]}" root --name W --head 00
expect 2 'NAME=KEY' "${ceremony[@]}" root --name W --present anna
expect 2 'no name is root' "${ceremony[@]}" root --name W --present root=anna.key
expect 2 'a PIN stands in no URI' "${ceremony[@]}" root --name W --present 'anna=pkcs11:token=x;object=y?pin-value=1'
expect 2 'a PIN stands in no URI' "${ceremony[@]}" root --name W --token 'pkcs11:token=x?pin-value=1'
expect 1 'holds no root' "${ceremony[@]}" root --sign "$source/README.md" --class idevid
[ ! -e root.part ] || die "something was left"
[ ! -e root ] || die "something was left"

# ---- the day: two people, whose keys are made as they come ----
expect 0 'It signed its own certificate: CN=Root CA 1, O=Example Works, until 20[0-9-]+\.' "${ceremony[@]}" root --name "Example Works" "${both[@]}"
for words in 'A root is made; present: anna, bert' 'P-256, readable by its owner only' 'signed by anna\+' '^ +bert\+' 'anna.key is new' 'to write down'; do
    grep -qE "$words" <<<"$said" || die "the protocol lacks $words: $said"
done
[ "$(stat -c %a root)$(stat -c %a root/root.key)" = 700600 ] || die "the root's key can be read by others"
[ ! -e root.part ] || die "root.part was left"
expect 1 'name one that is not there' "${ceremony[@]}" root --name "Example Works"
expect 0 'Root CA 1' openssl x509 -in root/root.pem -noout -subject

request op2 "Operational CA 2"
expect 0 'It signed CN=Operational CA 2, the CA of operational certificates' "${ceremony[@]}" root --sign op2.csr --class operational "${both[@]}"
head2=$(tail -n 6 <<<"$said" | grep -E '^ +([0-9a-f]{4} ?){8}$' | tr -d ' \n')
[ ${#head2} = 64 ] || die "no entry was given to write down: $said"
expect 0 ': OK' openssl verify -CAfile root/root.pem root/issued/Operational-CA-2.pem
expect 0 'signed before, in entry 2' "${ceremony[@]}" root --sign op2.csr --class operational "${both[@]}" # the same again changes nothing
request other "Operational CA 2"
expect 1 'signed a CA named Operational CA 2 already' "${ceremony[@]}" root --sign other.csr --class idevid "${both[@]}"
expect 0 'Gateway CA 1' "${ceremony[@]}" root --sign other.csr --class idevid --cn "Gateway CA 1" "${both[@]}"
expect 0 '99991231235959Z' openssl asn1parse -in root/issued/Gateway-CA-1.pem
request answers "Answers 1"
expect 0 'who answers for this root' "${ceremony[@]}" root --sign answers.csr --class ocsp "${both[@]}"
expect 0 'OCSP Signing' openssl x509 -in root/issued/Answers-1.pem -noout -ext extendedKeyUsage
expect 2 'wants --class' "${ceremony[@]}" root --sign op2.csr --class root
{ openssl req -in op2.csr -outform der | head -c -1; printf Z; } >bad.csr
expect 1 'bad.csr' "${ceremony[@]}" root --sign bad.csr --class server
sed -n 's/^certificate ocsp //p' root/transcript | base64 -d | openssl x509 -inform der -out again.pem
cmp -s again.pem root/issued/Answers-1.pem || die "the transcript has not the certificate in full"

# ---- later, elsewhere, without any key ----
anna=$(sed -n 's/^present \(anna+.*\)/\1/p;' root/transcript | sort -u) bert=$(sed -n 's/^present \(bert+.*\)/\1/p' root/transcript | sort -u)
mkdir elsewhere
copy() { # a fresh copy for a stranger, in elsewhere/root
    rm -rf elsewhere/root
    cp -r root elsewhere/root
    rm elsewhere/root/root.key
}
verify() { "${ceremony[@]}" elsewhere/root --verify "$@"; }
copy
expect 0 'people +all of them by keys of yours' verify --trust "$anna" "$bert" --head "$head2" --certificate root/issued/Operational-CA-2.pem
expect 0 'operational +CN=Operational CA 2, O=Example Works .* 2 ' verify
expect 0 '"transcript":"holds".*"entries":\[.*"certificates":\[' verify --json
expect 0 'by keys that nobody told us' verify
rm elsewhere/root/issued/Operational-CA-2.pem # handed out: it stands in the transcript in full
expect 0 'Operational CA 2' verify

# what is tampered with, and the sentence that names it
table() { # PATTERN OPTION... : what was done to elsewhere/root is found; then a fresh copy
    local pattern=$1 before
    shift
    before=$(find elsewhere -type f -exec sha256sum {} + | sort)
    expect 1 "^refused: .*$pattern" verify "$@"
    [ "$(wc -l <<<"$said")" = 1 ] || die "more than one sentence: $said"
    [ "$before" = "$(find elsewhere -type f -exec sha256sum {} + | sort)" ] || die "--verify changed something"
    copy
}
entries() { # N...: these, as a transcript has them
    local n
    for n; do awk -v n="$n" 'BEGIN{RS="birthmark/ceremony/v1\n"} NR==n+1{printf "birthmark/ceremony/v1\n%s", $0}' root/transcript; done | sed '${/^$/d}'
}
copy
sed -i '0,/^machine ./s//machine Z/' elsewhere/root/transcript
table 'entry 1: the signature of root does not belong to this text'
sed -i 's/^in [0-9a-f]\{4\}/in 0000/' elsewhere/root/transcript
table 'entry 2: the signature of root does not belong to this text'
entries 1 3 4 >elsewhere/root/transcript
table 'entry 2 is missing: entry 3 stands in its place'
entries 1 2 4 >elsewhere/root/transcript
table 'entry 3 is missing: entry 4 stands in its place'
entries 2 >elsewhere/root/transcript
table 'entry 1 is missing'
entries 1 1 >elsewhere/root/transcript
table 'entry 2 is missing: entry 1 stands in its place'
entries 1 3 | sed 's/^entry 3/entry 2/' >elsewhere/root/transcript
table 'entry 2 does not follow entry 1'
entries 1 >elsewhere/root/transcript
table '(Operational-CA-2|Gateway-CA-1|Answers-1).pem was signed by this root, and no entry' # entries gone from the end, not what was issued
entries 1 >elsewhere/root/transcript && rm -r elsewhere/root/issued
table 'no entry here is the one that was written down' --head "$head2"
entries 1 >elsewhere/root/transcript && rm -r elsewhere/root/issued
table 'Operational-CA-2.pem was signed by this root, and no entry of the transcript has it' --certificate root/issued/Operational-CA-2.pem
sed -i '/^— bert /d' elsewhere/root/transcript
table 'entry 1: this is not signed by bert'
cp root/issued/Gateway-CA-1.pem elsewhere/root/issued/Operational-CA-2.pem
table 'Operational-CA-2.pem is not the file that was written .* calls that certificate issued/Gateway-CA-1.pem'
openssl req -x509 -key op2.pem -subj /CN=Stranger -days 1 -out elsewhere/root/issued/stranger.pem 2>/dev/null
table 'stranger.pem is no certificate of this root'
openssl x509 -req -in op2.csr -CA root/root.pem -CAkey root/root.key -set_serial 0x5511 -days 9 -extfile <(echo basicConstraints=CA:TRUE) -out elsewhere/root/issued/secret.pem 2>/dev/null
table 'secret.pem was signed by this root, and no entry of the transcript has it'
echo x >>elsewhere/root/root.pem
table 'root.pem is not'
echo no >elsewhere/root/issued/x.pem
table 'x.pem is not what was written at the ceremony'
printf '\n' >>elsewhere/root/transcript
table 'entry 4'
: >elsewhere/root/transcript
table 'empty'
maker eve
evil=$("${ceremony[@]}" eves --name E --present bert=eve.key --json | grep -o 'bert+[^"]*')
table 'bert signed with a key that is none of those given' --trust "$anna" "$evil"
table 'carl is not among those who were present' --trust "$anna" "$bert" "$("${ceremony[@]}" carls --name E --present carl=carl.key --json | grep -o 'carl+[^"]*')"
expect 2 '--trust wants keys' verify --trust nonsense
expect 2 '--head wants' verify --head 12

# signed on a transcript that does not hold: not at all
cp root/transcript kept && sed -i '0,/^machine ./s//machine Z/' root/transcript
expect 1 'signature of root does not belong' "${ceremony[@]}" root --sign op2.csr --class server "${both[@]}"
cp kept root/transcript
# somebody else's key under a name that is known
expect 1 'bert signs with another key than at the last ceremony' "${ceremony[@]}" root --sign op2.csr --class server --cn "Server CA 9" --present bert=eve.key
cmp -s kept root/transcript || die "a refused ceremony changed the transcript"

# ---- the next root ----
expect 0 'CN=Root CA 2' "${ceremony[@]}" next --roll root "${both[@]}"
expect 0 'follows +yes' "${ceremony[@]}" next --verify --roll root
expect 0 'new-with-old +CN=Root CA 2.* 5 ' "${ceremony[@]}" root --verify
expect 1 'does not follow' "${ceremony[@]}" next --verify --roll carls
expect 0 ': OK' openssl verify -CAfile next/root.pem -untrusted next/old-with-new.pem root/issued/Operational-CA-2.pem
request op3 "Operational CA 3"
expect 0 'CN=Operational CA 3' "${ceremony[@]}" next --sign op3.csr --class operational "${both[@]}"
expect 0 ': OK' openssl verify -CAfile root/root.pem -untrusted next/new-with-old.pem next/issued/Operational-CA-3.pem

# ---- cut off: nothing is half done ----
no_leaks=${ASAN_OPTIONS:-}:detect_leaks=0 # LeakSanitizer can't look under strace
cut_off() { # N COMMAND...: killed as it gives the Nth file its name; or that it has done, when it gives fewer
    local n=$1
    shift
    ASAN_OPTIONS=$no_leaks strace -f -qq -o /dev/null -e trace=rename,renameat,renameat2 -e inject=rename,renameat,renameat2:signal=SIGKILL:when="$n" "$@" >/dev/null 2>&1
}
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    for n in 1 2 3 4 5; do
        if cut_off $n "${ceremony[@]}" cut$n --name Cut --present anna=anna.key; then break; fi
        expect 0 'Root CA 1' "${ceremony[@]}" cut$n --name Cut --present anna=anna.key
        expect 0 'holds' "${ceremony[@]}" cut$n --verify
        [ ! -e cut$n.part ] || die "cut$n.part was left"
    done
    [ "$n" -gt 2 ] || die "making a root was cut off $n times only"
    request cut "Cut CA 1"
    for n in 1 2 3; do
        cp -r cut1 sign$n
        if cut_off $n "${ceremony[@]}" sign$n --sign cut.csr --class server --present anna=anna.key; then break; fi
        expect 0 'Cut CA 1|signed before' "${ceremony[@]}" sign$n --sign cut.csr --class server --present anna=anna.key
        expect 0 'server +CN=Cut CA 1' "${ceremony[@]}" sign$n --verify
        [ -e sign$n/issued/Cut-CA-1.pem ] || die "the certificate is in the transcript only"
        [ "$(grep -c '^certificate server' sign$n/transcript)" = 1 ] || die "signed twice"
    done
    [ "$n" -gt 2 ] || die "signing was cut off $n times only"
    for n in 1 2 3 4 5 6 7 8; do
        cp -r cut1 old$n
        if cut_off $n "${ceremony[@]}" new$n --roll old$n --present anna=anna.key; then break; fi
        expect 0 'Root CA 2|cut off was finished' "${ceremony[@]}" new$n --roll old$n --present anna=anna.key
        expect 0 'follows +yes' "${ceremony[@]}" new$n --verify --roll old$n
        [ "$(grep -c '^act roll' old$n/transcript)" = 1 ] || die "rolled twice"
        [ ! -e new$n.part ] || die "new$n.part was left"
    done
    [ "$n" -gt 5 ] || die "a roll was cut off $n times only"
fi

# ---- a root in a token of its own, a person with a card ----
if command -v softhsm2-util >/dev/null; then
    export SOFTHSM2_CONF=$HOME/softhsm2.conf
    mkdir tokens
    printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$HOME" >"$SOFTHSM2_CONF"
    for token in vault olga; do softhsm2-util --init-token --free --label $token --so-pin 12345678 --pin 1234 >/dev/null; done
    (umask 077 && echo 1234 >pin && echo 9999 >wrong.pin)
    vault="pkcs11:token=vault?pin-source=$HOME/pin"
    token=(--present anna=anna.key "olga=pkcs11:token=olga;object=sign?pin-source=$HOME/pin")
    objects() { find tokens -name '*.object' ! -name token.object | wc -l; }
    expect 3 'PIN' "${ceremony[@]}" hard --name Hard --token "pkcs11:token=vault?pin-source=$HOME/wrong.pin"
    [ "$(objects)" = 0 ] || die "a refused ceremony left something"
    [ ! -e hard.part ] || die "a refused ceremony left something"
    expect 0 'made in it, sensitive, not extractable, never was' "${ceremony[@]}" hard --name Hard --token "$vault" "${token[@]}"
    [ ! -e hard/root.key ] || die "the root's key is in a file"
    expect 0 'CN=Operational CA 2' "${ceremony[@]}" hard --sign op2.csr --class operational "${token[@]}"
    expect 0 ': OK' openssl verify -CAfile hard/root.pem hard/issued/Operational-CA-2.pem
    grep -q 'pin-source' hard/transcript && die "a PIN's place is in the transcript"
    mv tokens away && mkdir tokens
    expect 0 'olga' "${ceremony[@]}" hard --verify # without any token
    expect 3 'token' "${ceremony[@]}" hard --sign op3.csr --class server --present anna=anna.key
    rmdir tokens && mv away tokens
    before=$(objects)
    expect 0 'CN=Root CA 2' "${ceremony[@]}" harder --roll hard --token "$vault" "${token[@]}"
    [ "$(objects)" = $((before + 2)) ] || die "there are $(objects) objects in the tokens, not $((before + 2))"
    if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
        for n in 2 3 4; do
            cut_off $n "${ceremony[@]}" cuthard --name Hard --token "$vault" || :
            [ -e cuthard.part ] || die "nothing was cut off"
        done
        expect 0 'Root CA 1' "${ceremony[@]}" cuthard --name Hard --token "$vault"
        [ "$(objects)" = $((before + 4)) ] || die "keys that no root came of stayed in the token"
    fi
    expect 0 'hard has one entry more' birthmark init --home hardsite --root hard --name Hard --operator olga --operator-key "pkcs11:token=olga;object=sign?pin-source=$HOME/pin"
fi
mkdir mine.part && echo mine >mine.part/diary
expect 1 'holds what no ceremony wrote' "${ceremony[@]}" mine --name W
[ "$(cat mine.part/diary)" = mine ] || die "somebody's file was taken away"

# ---- a site under it; its default plays the same ----
expect 1 'anna signs with another key than at the last ceremony' birthmark init --home site --root root --name "Example Works" --operator anna
[ ! -e site ] || die "a refused site was left"
expect 0 'root has one entry more' birthmark init --home site --root root --name "Example Works" --operator anna --operator-key anna.key
[ ! -e site/ceremony ] || die "the root's key came to the site"
[ -z "$(find site -name 'root.key')" ] || die "the root's key came to the site"
cmp -s site/root.pem root/root.pem || die "another root"
expect 0 'operational +CN=Operational CA 1, O=Example Works' "${ceremony[@]}" root --verify --certificate site/ca/operational.pem site/ca/server.pem
expect 0 '"operator":"carl"' birthmark init --home site2 --root root --name "Example Works 2" --operator carl --json
expect 0 'CN=Operational CA 3, O=Example Works' birthmark ca show --home site2 # the first number that no CA of this root has
expect 0 'Take works/ceremony offline|Take .*/works/ceremony offline' birthmark init --name "Example Works" --operator anna
expect 0 'all of them by keys of yours' "${ceremony[@]}" works/ceremony --verify --trust "$(sed -n 's/^operator anna officer //p' works/site.conf)"
mv works/ceremony offline
expect 0 'root +CN=Root CA 1.*offline' birthmark ca show
expect 0 'It signed CN=Cut CA 1' "${ceremony[@]}" offline --sign cut.csr --class server

# ---- for tests ----
expect 0 'FOR TESTS ONLY' "${ceremony[@]}" trial --name "Example Works" --test
expect 0 'O *= *TEST Example Works' openssl x509 -in trial/root.pem -noout -subject
expect 0 '2\.25\.136450369687967767426175778406050114183' openssl x509 -in trial/root.pem -noout -ext certificatePolicies
expect 0 'TEST Example Works' "${ceremony[@]}" trial --sign op2.csr --class operational
expect 0 '2\.25\.136450369687967767426175778406050114183' openssl x509 -in trial/issued/Operational-CA-2.pem -noout -ext certificatePolicies
expect 1 'root for production: it signs nothing for tests' "${ceremony[@]}" root --sign op3.csr --class server --test
expect 1 'none for tests follows it' "${ceremony[@]}" mixed --roll root --test
expect 0 'FOR TESTS ONLY' "${ceremony[@]}" trial2 --roll trial
expect 0 'test +yes' "${ceremony[@]}" trial2 --verify
expect 1 'is a root for tests: a production site takes none of its certificates' birthmark init --home no --root trial --name W
expect 1 'is a root for production: it signs nothing for a test site' birthmark init --home no --root root --name W --test
[ ! -e no ] || die "a refused site was left"
[ -z "$(find . -maxdepth 1 -name 'no.tmp-*')" ] || die "a refused site was left"
expect 0 'for TESTS' birthmark init --home tests --root trial --name "Example Works" --test
grep -qx 'test yes' tests/site.conf || die "site.conf does not say test"
echo "ceremony: ok"
