#!/bin/bash
# reception.sh - lots from the chipmaker's desk to the custodian's: keys in a token, revisions, envelopes, retired signers, interruptions.
#
#   reception.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all as it must be, 1 something was not, 77 a tool is not here
# shellcheck disable=SC1091,SC2129,SC2154,SC2164 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
tools softhsm2-util pkcs11-tool strace
# a sanitizer cannot look for leaks under strace, and SoftHSM 2.6.1 loses the name of its curve in C_SignInit
no_leaks=${ASAN_OPTIONS:-}:detect_leaks=0
export SOFTHSM2_CONF=$HOME/softhsm2.conf
alarms() { birthmark alarm list --json | { grep -o '"alarm":' || :; } | wc -l; }
kept() { find "$BIRTHMARK_HOME/lots" -type f | wc -l; }

birthmark init --name "Custody Works" --url https://localhost:8443 >/dev/null
for i in 1 2 3 4 5 6; do chip c$i C-$i; done
maker maker second
birthmark vendor add Maker --signer maker.pub >/dev/null

# ---- lot sign: what is refused, and what it signs ----

sign() { birthmark lot sign --key maker.key --vendor Maker "$@"; }
expect 2 'say all three, or none' sign --lot L-1 --part 1 -o l.manifest c1.der
expect 2 'part 3 of 2 there is not' sign --lot L-1 --delivery D --part 3 --parts 2 -o l.manifest c1.der
expect 2 '--revision wants a number from 1' sign --lot L-1 --revision 0 -o l.manifest c1.der
expect 0 '"revision":1,"chips":2' sign --lot L-1 --json -o l1.manifest c1.der c2.der
expect 0 '"revision":2,"chips":1' sign --lot L-1 --revision 2 --delivery D-7 --part 1 --parts 2 --json -o l1r2.manifest c3.der
expect 0 '^revision 2$' grep -a '^revision' l1r2.manifest
expect 0 '^delivery D-7$' grep -a '^delivery' l1r2.manifest
expect 0 '"revision":2' birthmark lot inspect l1r2.manifest --signer maker.pub --vendor Maker --json

# ---- what nobody would look at, and a file's name on two lines ----

: >nothing.p7s
expect 1 'the signature nothing.p7s is empty' birthmark lot inspect l1.manifest --signer maker.pub --vendor Maker --signature nothing.p7s
expect 1 "are for lists in CSV, and this is a lot in birthmark's format" birthmark lot inspect l1.manifest --signer maker.pub --vendor Maker --signature maker.pub
expect 1 'are for lists in CSV' birthmark lot inspect l1.manifest --signer maker.pub --vendor Maker --column id=x
expect 1 '^refused: two.lines is not there$' birthmark lot inspect $'two\nlines' --signer maker.pub --vendor Maker

# ---- a key in a token ----

mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$HOME" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label maker --so-pin 12345678 --pin 1234 >/dev/null
token() { pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin 1234 --token-label maker "$@" >/dev/null 2>&1; }
token --keypairgen --key-type EC:prime256v1 --label other --id 02
uri='pkcs11:token=maker;object=%s?pin-value=1234'
if token --keypairgen --key-type EC:edwards25519 --label lots --id 01; then
    # shellcheck disable=SC2059 # the format is ours
    uri_lots=$(printf "$uri" lots) uri_other=$(printf "$uri" other) uri_none=$(printf "$uri" none)
    vkey=$(ASAN_OPTIONS=$no_leaks birthmark lot sign --key "$uri_lots" --vendor Maker --lot T-1 -o t1.manifest c3.der --json | grep -o '"signer":"[^"]*"' | cut -d'"' -f4)
    expect 0 '"verdict":"receivable"' birthmark lot inspect t1.manifest --signer "$vkey" --vendor Maker --json
    expect 1 'no key of Maker has signed' birthmark lot inspect t1.manifest --signer maker.pub --vendor Maker
    expect 1 'is not Ed25519' birthmark lot sign --key "$uri_other" --vendor Maker --lot T-1 -o t1.manifest c3.der
    expect 1 'no private key matches' birthmark lot sign --key "$uri_none" --vendor Maker --lot T-1 -o t1.manifest c3.der
else
    echo "passed over: this SoftHSM has no Ed25519"
fi

# ---- confidential ----

openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.pem -subj /CN=custodian -days 30 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ec.key -out ec.pem -subj /CN=custodian -days 30 2>/dev/null
openssl req -x509 -newkey ed25519 -nodes -keyout ed.key -out ed.pem -subj /CN=custodian -days 30 2>/dev/null
for kind in rsa ec; do
    sign --lot L-2 --to $kind.pem -o $kind.cms c4.der c5.der >/dev/null
    grep -q 'birthmark-manifest' $kind.cms && die "the manifest stands open in its envelope"
    expect 1 'is confidential: give the key' birthmark lot inspect $kind.cms --signer maker.pub --vendor Maker
    expect 0 '"chips":2' birthmark lot inspect $kind.cms --signer maker.pub --vendor Maker --decrypt $kind.key --json
    expect 1 'cannot be opened with this key' birthmark lot inspect $kind.cms --signer maker.pub --vendor Maker --decrypt "$([ $kind = rsa ] && echo ec || echo rsa).key"
    # AES-GCM: any change is seen before a byte of it is read
    cp $kind.cms changed.cms
    printf '\xa5' | dd of=changed.cms bs=1 seek=$(($(stat -c %s $kind.cms) / 2 + 200)) conv=notrunc status=none
    expect 1 '^refused: ' birthmark lot inspect changed.cms --signer maker.pub --vendor Maker --decrypt $kind.key
    head -c -5 $kind.cms >cut.cms
    expect 1 'malformed or cut short' birthmark lot inspect cut.cms --signer maker.pub --vendor Maker --decrypt $kind.key
done
# the same with the key in a token
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout ec384.key -out ec384.pem -subj /CN=custodian -days 30 2>/dev/null
sign --lot L-2 --to ec384.pem -o ec384.cms c4.der c5.der >/dev/null
printf 1234 >pin
for kind in rsa ec ec384; do
    openssl pkcs8 -topk8 -nocrypt -in $kind.key -outform DER -out $kind.der
    token --write-object $kind.der --type privkey --label open-$kind --id "a$((${#kind}))" --usage-decrypt --usage-derive
done
in_token() { # KIND [more of the URI]
    echo "pkcs11:token=maker;object=open-$1?pin-source=$HOME/pin${2:-}"
}
for kind in rsa ec ec384; do
    expect 0 '"chips":2' birthmark lot inspect $kind.cms --signer maker.pub --vendor Maker --decrypt "$(in_token $kind)" --json
    expect 1 'cannot be opened with this key' birthmark lot inspect $kind.cms --signer maker.pub --vendor Maker --decrypt "$(in_token "$([ $kind = ec ] && echo rsa || echo ec)")"
    cp $kind.cms changed.cms
    at=$(($(stat -c %s $kind.cms) - 30))
    dd if=$kind.cms bs=1 skip=$at count=1 status=none | LC_ALL=C tr '\000-\377' '\001-\377\000' | dd of=changed.cms bs=1 seek=$at conv=notrunc status=none
    expect 1 'was changed on the way' birthmark lot inspect changed.cms --signer maker.pub --vendor Maker --decrypt "$(in_token $kind)"
done
expect 3 'PIN' birthmark lot inspect rsa.cms --signer maker.pub --vendor Maker --decrypt 'pkcs11:token=maker;object=open-rsa'
expect 1 'no private key matches' birthmark lot inspect rsa.cms --signer maker.pub --vendor Maker --decrypt "$(in_token none)"
expect 3 'no token matches' birthmark lot inspect rsa.cms --signer maker.pub --vendor Maker --decrypt 'pkcs11:token=lost?pin-value=1234'

# another's tool: plain EnvelopedData with AES-256-CBC
sign --lot L-2 -o l2.manifest c4.der c5.der >/dev/null
openssl cms -encrypt -binary -aes-256-cbc -in l2.manifest -outform DER -out theirs.cms rsa.pem
expect 0 '"chips":2' birthmark lot inspect theirs.cms --signer maker.pub --vendor Maker --decrypt rsa.key --json
expect 1 'not of the kind' birthmark lot inspect theirs.cms --signer maker.pub --vendor Maker --decrypt "$(in_token rsa)"
openssl cms -decrypt -binary -inform DER -in rsa.cms -inkey rsa.key -out theirs.manifest
cmp theirs.manifest l2.manifest || die "another's tool opens the envelope to something else"
expect 1 'must have a key that encrypts' sign --lot L-2 --to ed.pem -o x.cms c4.der
expect 1 'nothing to open' birthmark lot inspect l2.manifest --signer maker.pub --vendor Maker --decrypt rsa.key
expect 1 'private key in PEM' birthmark lot inspect rsa.cms --signer maker.pub --vendor Maker --decrypt rsa.pem

# ---- received: all or nothing, wherever it is interrupted ----

interrupted=0 lots=0
for call in sendmsg sendto recvmsg openat fsync rename; do
    chip $call C-$call
    sign --lot "I-$call" -o $call.manifest $call.der >/dev/null
    for n in $(seq 60); do
        status=0
        ASAN_OPTIONS=$no_leaks strace -o trace -e trace=$call -e inject=$call:signal=INT:when="$n" "$build/birthmark" lot receive $call.manifest --vendor Maker --expect 1 >said 2>&1 || status=$?
        held=$(birthmark lot list --json | grep -c "\"lot\":\"I-$call\"" || :)
        case "$status $held $(($(kept) - 3 * lots))" in
        "130 0 0") interrupted=$((interrupted + 1)) ;;
        "130 1 3") interrupted=$((interrupted + 1)) lots=$((lots + 1)); break ;; # in the last step: the signer had it, so it is whole
        "0 1 3") lots=$((lots + 1)); break ;;                                     # so many such calls there are not
        *) die "interrupted at $call $n it ended with $status: $held lots, $(kept) files: $(cat said)" ;;
        esac
    done
done
[ $interrupted -gt 10 ] || die "it was interrupted $interrupted times only"
birthmark lot receive l1.manifest --vendor Maker --expect 2 >/dev/null
lots=$((lots + 1))
before=$(alarms)
expect 0 'received already: nothing was changed' birthmark lot receive l1.manifest --vendor Maker --expect 2 --json
[ "$(alarms)" = "$before" ] || die "receiving the same file again raised an alarm"

# ---- wrong size, rollback ----

expect 1 'you expect 3: count the reels.*Recorded as alarm' birthmark lot receive l1.manifest --vendor Maker --expect 3
sign --lot L-1 -o l1other.manifest c6.der >/dev/null
expect 1 'received before with another content.*Recorded as alarm' birthmark lot receive l1other.manifest --vendor Maker
sign --lot R-1 --revision 5 -o r5.manifest c6.der >/dev/null
sign --lot R-1 --revision 4 -o r4.manifest c6.der c3.der >/dev/null
sign --lot R-1 --revision 5 -o r5other.manifest c6.der c3.der >/dev/null
birthmark lot receive r5.manifest --vendor Maker >/dev/null
expect 1 'is revision 4, and revision 5 was received already.*Recorded as alarm' birthmark lot receive r4.manifest --vendor Maker
expect 1 'is revision 5, and revision 5 was received already' birthmark lot receive r5other.manifest --vendor Maker
[ "$(kept)" = $((3 * lots + 3)) ] || die "a refused lot left something in lots/: $(ls "$BIRTHMARK_HOME/lots")"

# ---- refused before anything of it could be read: on record all the same; a slip of the hand is not ----

before=$(alarms)
expect 1 'r5.manifest: no vendor is known by the name Nobody.*Recorded as alarm' birthmark lot receive r5.manifest --vendor Nobody
expect 1 'cannot be opened with this key.*Recorded as alarm' birthmark lot receive rsa.cms --vendor Maker --decrypt ec.key
expect 1 'malformed or cut short.*Recorded as alarm' birthmark lot receive cut.cms --vendor Maker --decrypt rsa.key
expect 1 'nothing to open.*Recorded as alarm' birthmark lot receive l2.manifest --vendor Maker --decrypt rsa.key
expect 1 'Recorded as alarm' birthmark lot receive ec.pem --vendor Maker
mkdir folder folder/within
expect 1 'within is not a file.*Recorded as alarm' birthmark lot receive folder --vendor Maker
truncate -s 2G large.manifest
expect 1 'is larger than 1073741824 bytes.*Recorded as alarm' birthmark lot receive large.manifest --vendor Maker
[ "$(alarms)" = $((before + 7)) ] || die "seven refused files left $(($(alarms) - before)) alarms"
expect 1 '^refused: nowhere.manifest is not there$' birthmark lot receive nowhere.manifest --vendor Maker
expect 1 'is confidential: give the key' birthmark lot receive rsa.cms --vendor Maker
expect 1 'private key in PEM' birthmark lot receive rsa.cms --vendor Maker --decrypt rsa.pem
expect 1 'nokey.pem is not there' birthmark lot receive rsa.cms --vendor Maker --decrypt nokey.pem
[ "$(alarms)" = $((before + 7)) ] || die "a slip of the hand raised an alarm"

# ---- a confidential one received: kept open, and both digests on its receipt ----

receipt=$(birthmark lot receive rsa.cms --vendor Maker --decrypt rsa.key --json | grep -o '"receipt":"[^"]*"' | cut -d'"' -f4)
expect 0 "^envelope $(sha256sum <rsa.cms | cut -d' ' -f1)$" cat "$receipt"
expect 0 "^file $(sha256sum <"${receipt%.receipt}.lot" | cut -d' ' -f1)$" cat "$receipt"
expect 0 'received already' birthmark lot receive rsa.cms --vendor Maker --decrypt rsa.key --json
expect 0 'received already' birthmark lot receive "${receipt%.receipt}.lot" --vendor Maker --json

# ---- signers retired one by one ----

expect 2 'say who signs its lots' birthmark vendor add Nobody
birthmark vendor add Maker --signer maker.pub second.pub >/dev/null
expect 0 '"signers":.*"state":"active".*"state":"active"' birthmark vendor show Maker --json
expect 1 'has no such signer' birthmark vendor retire Maker --signer "$(printf '%064d' 0)"
expect 0 '"vendor":"Maker"' birthmark vendor retire Maker --signer second.pub --json
birthmark lot sign --key second.key --vendor Maker --lot S-1 -o s1.manifest c3.der >/dev/null
expect 1 'was retired: ask them for one signed by their new key.*Recorded as alarm' birthmark lot receive s1.manifest --vendor Maker
birthmark vendor add Maker --signer maker.pub second.pub >/dev/null # with all that there is, as people do
expect 0 '"signers":.*"state":"retired"' birthmark vendor show Maker --json
expect 1 'was retired' birthmark lot receive s1.manifest --vendor Maker
expect 0 'received already' birthmark lot receive r5.manifest --vendor Maker --json # what was received stays
# ---- what chipmakers really ship, when it is here: received, with a receipt that says what was looked at ----

data=$shared/data
if [ -e "$data/infineon/manifest-infineon.7z" ]; then
    expect 2 'so --root is wanted' birthmark vendor add Infineon --format infineon
    birthmark vendor add Infineon --format infineon --root "$data"/infineon/*.pem "$data"/infineon/*.crt >/dev/null
    receipt=$(birthmark lot receive "$data/infineon/manifest-infineon.7z" --vendor Infineon --expect 200 --json | grep -o '"receipt":"[^"]*"' | cut -d'"' -f4)
    expect 0 '^signatures 600$' cat "$receipt"
    expect 0 '^check chain 200 PASSED 0$' cat "$receipt"
    expect 0 '^check unsigned 1 FOUND 1$' cat "$receipt"
    birthmark vendor add STM --format ek --root "$data"/tpm/tpm_roots_26.pem >/dev/null
    # all makers of TPMs together: more than a message between our processes holds
    birthmark vendor add TPMs --format ek --root "$data"/tpm/tpm_roots_26.pem "$data"/tpm/tpm_intermediates_143.pem >/dev/null
    [ "$(field subject birthmark vendor show TPMs | wc -l)" = 169 ] || die "169 certificates went in, and others came out"
    expect 0 '"verdict":"receivable"' birthmark lot inspect "$data/tpm/st-ek-rsa.pem" --vendor TPMs --json
    expect 1 'fail|certificate.*Recorded as alarm' birthmark lot receive "$data/tpm/st-ek-rsa.pem" --vendor STM # its issuer is not known
    expect 0 '"verdict":"receivable"' birthmark lot inspect "$data/tpm/st-ek-rsa.pem" --format ek --root "$data"/tpm/*_26.pem "$data"/tpm/*_143.pem --json
else
    echo "passed over: genuine deliveries are not here"
fi

# ---- interrupted while a server runs: it lets go of the lot too ----

serve
sign --lot V-1 -o v1.manifest c3.der >/dev/null
before=$(kept)
served=0
for n in $(seq 20); do
    ASAN_OPTIONS=$no_leaks strace -o trace -e trace=sendmsg,sendto -e inject=sendmsg,sendto:signal=INT:when="$n" "$build/birthmark" lot receive v1.manifest --vendor Maker >said 2>&1 &&
        die "it was not interrupted at message $n"
    held=$(birthmark lot list --json | grep -c '"lot":"V-1"' || :)
    case "$held $(($(kept) - before))" in
    "0 0") served=$((served + 1)) ;;
    "1 3") break ;; # in the last step: the signer had it, so it is whole
    *) die "interrupted at message $n, $held lots and $(($(kept) - before)) files stayed" ;;
    esac
done
[ $served -gt 2 ] || die "it was interrupted $served times only"
expect 0 '"lot":"V-1"' birthmark lot receive v1.manifest --vendor Maker --json
unserve
echo "reception: ok, interrupted $interrupted times"
