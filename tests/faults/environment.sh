#!/bin/bash
# environment.sh - what is not the peer's fault: a server away, a port taken, a home in use, a disk full, a clock never set, a token locked or gone, a
# journal or store damaged. Each is said in one plain sentence with exit status 3, changes nothing, and is over when its cause is.
#
#   environment.sh BUILD-DIRECTORY OLD-CLOCK-LIBRARY
#
# exit: 0 all as it should be, 1 not so. Parts that need what is not here (mount, SoftHSM) say so and are passed over.
# shellcheck disable=SC1091,SC2154 # from there: $build, $work, $home, $server, $port, $said, $passed
. "$(dirname "$0")/lib.sh" environment "$1"
old_clock=$(realpath "$2")
serve=(timeout 30 "$build/birthmarkd" --listen 127.0.0.1:0)

site_make 3 3
leaves=$(birthmark site show --json | grep -o '"ledger_size":[0-9]*')

# ---- server, port, home ----
# proves: FAULTS F13
port=1
expect 3 '~^birthmark-agent: the server https://localhost:1 cannot be reached: ' enrol 1
server_start
expect 3 "birthmarkd: the home $home is in use by process $server; stop that first, one home has one server" "${serve[@]}"
cp -r "$home" "$work/other"
expect 3 "birthmarkd: port $port of 127.0.0.1 is taken by another program; stop that, or choose another port" \
    timeout 30 "$build/birthmarkd" --home "$work/other" --listen "127.0.0.1:$port"
server_stop

# ---- clock ----
# proves: FAULTS F16
expect 3 '~^birthmarkd: .*clock.*2024.*set' env LD_PRELOAD="$old_clock" "${serve[@]}"

# ---- journal ----
cp "$home/signer/journal" "$work/journal"
printf '\377' | dd of="$home/signer/journal" bs=1 seek=200 conv=notrunc status=none
damaged="birthmark-signer: the signer's journal is damaged at byte 0 \\(a record's chain\\): nothing is signed on it; put its last copy back"
expect 3 "~^birthmark: $damaged" birthmark lot list
expect 3 "~^$damaged" "${serve[@]}"
cmp -s <(printf '\377' | dd of="$work/journal" bs=1 seek=200 conv=notrunc status=none; cat "$work/journal") "$home/signer/journal" ||
    die "a damaged journal was changed"
birthmark_journal() { cp "$work/other/signer/journal" "$home/signer/journal"; }
birthmark_journal
truncate -s 600 "$home/signer/journal" # an old copy, cut in a record
expect 3 "~^birthmark: birthmark-registrar: the store is ahead of the signer's journal: it holds 4 ledger entries and the journal [0-3], so the journal is an old copy; put the newest back" \
    birthmark lot list
rm "$home/signer/journal"
expect 3 "~^birthmark: birthmark-signer: the signer's journal [^ ]*/signer/journal is missing: put its newest copy back, nothing is signed without it" \
    birthmark lot list
[ ! -e "$home/signer/journal" ] || die "a signer without its journal made a new one"
birthmark_journal
expect 0 '' birthmark ledger verify

# ---- an old backup, each mixture: store, journal, both, a store that is gone, a store of another site. What a crash leaves open is none of these: kill_loop.sh ----
# proves: FAULTS F12
cp -r "$home/store" "$work/backup"
cp "$home/signer/journal" "$work/old-journal"
birthmark vendor add Late --signer "$work/maker.pub" >/dev/null
server_start
expect 0 '' enrol 1
server_stop
birthmark device list --json >"$work/devices"
cp -r "$home/store" "$work/newest"
rm -rf "$home/store"
cp -r "$work/backup" "$home/store"
old='the store is an old copy: it holds 4 ledger entries and held [0-9]+ before, so vendors, notes on alarms and open proposals that came later are not in it; put its newest copy back, or, where there is none, let a security officer run birthmark site recover'
expect 3 "~^birthmark-registrar: $old\$" "${serve[@]}"
expect 3 "~^birthmark: $old\$" birthmark device list
expect 3 "~^birthmark: $old\$" birthmark vendor add Later --signer "$work/maker.pub"
expect 2 '~--reason' birthmark site recover
birthmark site show --json | grep -q '"old":{"holds":4,"held":[0-9]*}' || die "site show says nothing of an old store"
cp -r "$home/store" "$work/stale" # every command leaves it as it was
expect 0 '' birthmark site recover --reason 'disk replaced'
grep -q 'vendors added or retired' "$work/out" || die "the recovery does not say what cannot be had again"
birthmark device list --json | cmp "$work/devices" - || die "a store from a backup was not recovered"
birthmark alarm list --json | grep -q '"kind":"recovered".*disk replaced' || die "no alarm tells of the recovery"
birthmark ledger verify --json >"$work/out" || die "the ledger does not verify after a recovery"
expect 1 '~^refused: the store holds all that it ever held: there is nothing to recover' birthmark site recover --reason 'once more'
rm -rf "$home/store" # the same copy again: what it was caught up with once it must hold
cp -r "$work/stale" "$home/store"
expect 3 "~^birthmark: $old\$" birthmark lot list
expect 0 '' birthmark site recover --reason 'the same again'
server_start
expect 0 '' enrol 2
server_stop
birthmark device list --json >"$work/devices"
rm -rf "$work/newest"
cp -r "$home/store" "$work/newest"
rm -rf "$home/store" # gone: an old copy as well, of no entries
mkdir -m 700 "$home/store"
expect 3 '~^birthmark: the store is an old copy: it holds 0 ledger entries' birthmark lot list
expect 0 '' birthmark site recover --reason 'store lost'
birthmark device list --json | cmp "$work/devices" - || die "a store that was lost was not made again"
rm -rf "$work/newest"
cp -r "$home/store" "$work/newest"
rm -rf "$home/store"
cp -r "$work/newest" "$home/store"
cp "$home/signer/journal" "$work/journal"
cp "$work/old-journal" "$home/signer/journal"
expect 3 "~^birthmark: birthmark-registrar: the store is ahead of the signer's journal: .*, so the journal is an old copy; put the newest back" birthmark lot list
expect 3 "~so the journal is an old copy; put the newest back" "${serve[@]}"
# both old together: only who holds a later checkpoint sees that, and the site says that nobody does
rm -rf "$home/store"
cp -r "$work/backup" "$home/store"
birthmark site show | grep -qE '^anchor +none' || die "site show says nothing of an anchor"
rm -rf "$home/store"
cp -r "$work/newest" "$home/store"
cp "$work/journal" "$home/signer/journal"
BIRTHMARK_HOME=$work/elsewhere birthmark init --name "Other Works" >/dev/null
BIRTHMARK_HOME=$work/elsewhere birthmark site show >/dev/null
rm -rf "$home/store"
cp -r "$work/elsewhere/store" "$home/store"
expect 3 "~^birthmark: birthmark-registrar: the store is another site's: put this site's back, or move it away and run birthmark site recover" birthmark lot list
rm -rf "$home/store"
cp -r "$work/newest" "$home/store"
expect 0 '' birthmark ledger verify

# ---- a profile that changes while certificates are issued by it: the order has the text that was signed for ----
# proves: FAULTS F18
server_start
profile=$home/profiles/bench-1.profile
cp "$profile" "$work/bench-1.profile"
days=$(sed -n 's/^days //p' "$profile")
(while :; do sed 's/^days .*/days 1/' "$work/bench-1.profile" >"$profile"; cp "$work/bench-1.profile" "$profile"; : >"$profile"; done) &
storm=$!
for i in 2 3; do
    expect 0 '' enrol "$i"
    openssl x509 -in "$work/c$i.pem.d/live/mqtt.pem" -noout -checkend $(((days - 1) * 86400)) >/dev/null ||
        die "a certificate follows a profile that nobody signed"
done
kill $storm
wait $storm 2>/dev/null || :
cp "$work/bench-1.profile" "$profile"
server_stop
rm -rf "$home" "$work"/c?.pem "$work"/c?.pem.d
site_make 3 3

# ---- store ----
birthmark lot list --json >"$work/lots"
birthmark device list --json >"$work/devices"
mv "$home/store" "$work/store"
expect 3 "~^birthmark: birthmark-registrar: $home/store is not there: put its newest copy back, or make an empty directory in its place\$" birthmark lot list
mkdir -m 700 "$home/store"
# lost with all that was in it: the signer's journal and the lots' own files give the records again
expect 0 '' birthmark site recover --reason 'store lost'
birthmark lot list --json >"$work/again"
cmp "$work/lots" "$work/again"
birthmark device list --json | cmp "$work/devices" -
rm -rf "$work/store"
mv "$home/store" "$work/store"
mkdir -m 700 "$home/store"
head -c 65536 /dev/urandom >"$home/store/birthmark.db"
expect 3 "birthmark: birthmark-registrar: the store: the file is no database: restore it (opening it)" birthmark lot list
rm -rf "$home/store"
mv "$work/store" "$home/store"
expect 0 '' birthmark ledger verify

# ---- a disk full, the store's and then the journal's: a command is told, no certificate is issued, what is there is read, and all goes on when there is room ----
# proves: FAULTS F7
reads_go_on() {
    curl -sf --cacert "$home/root.pem" "https://localhost:$port/healthz" | grep -q '"status": *"disk-full"' || die "/healthz does not tell of the full disk"
    expect 0 '' birthmark lot list
    expect 0 '' birthmark device list
    curl -sf --cacert "$home/root.pem" "https://localhost:$port/v1/site" >"$work/out" || die "the site is not told of while the disk is full"
    curl -sf --cacert "$home/root.pem" "https://localhost:$port/crl/operational-1.crl" | cmp - "$work/crl" || die "the last CRL is not given out"
    ! birthmark identity list --json | grep -q '"serial"' || die "something was issued on a full disk"
}
mkdir "$work/small"
if mount -t tmpfs -o size=24m tmpfs "$work/small" 2>/dev/null; then
    finish_more() { umount -l "$home/store" 2>/dev/null || :; umount -l "$home/signer" 2>/dev/null || :; umount -l "$work/small"; }
    for part in store signer; do
        cp -r "$home/$part/." "$work/small/"
        mount --bind "$work/small" "$home/$part"
        server_start
        curl -sf --cacert "$home/root.pem" "https://localhost:$port/crl/operational-1.crl" >"$work/crl" || die "there is no CRL"
        dd if=/dev/zero of="$work/small/fill" bs=4096 2>/dev/null || :
        sleep 1.1 # the server looks once a second
        expect 3 "~the server's disk is nearly full: free some space, then ask again" enrol 1
        expect 3 "~the server's disk is nearly full: free some space, then ask again" birthmark order open o-2 --lot L-1 --profile bench-1 --quantity 1
        reads_go_on
        rm "$work/small/fill"
        for _ in $(seq 100); do ! enrol 1 >/dev/null 2>&1 || break; sleep 0.2; done
        expect 0 '' enrol 1
        expect 0 '' birthmark ledger verify
        ! grep -q 'starting all processes again' "$work/server.log" || die "a full disk ended a process"
        server_stop
        if [ $part = store ]; then # who does write is told
            dd if=/dev/zero of="$work/small/fill" bs=4096 2>/dev/null || :
            expect 3 "~^birthmark: birthmark-registrar: the store: the disk is full: free some space, then start again" \
                birthmark vendor add Other --signer "$work/maker.pub"
            rm "$work/small/fill"
            expect 0 '' birthmark vendor add Other --signer "$work/maker.pub"
        fi
        umount -l "$home/$part"
        rm -rf "$home" "$work"/c?.pem "$work"/c?.pem.d "$work"/small/*
        site_make 1 1
    done
    finish_more
    unset -f finish_more
else
    echo "passed over: the full disk, since nothing can be mounted here"
fi

# ---- token ----
if command -v softhsm2-util >/dev/null; then
    export SOFTHSM2_CONF=$work/softhsm2.conf
    mkdir "$work/tokens"
    printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$SOFTHSM2_CONF"
    softhsm2-util --init-token --free --label ca --so-pin 12345678 --pin 5678 >/dev/null
    printf 5678 >"$work/pin"
    export BIRTHMARK_HOME=$work/token-home
    expect 0 '' birthmark init --name "Token Works" --token "pkcs11:token=ca?pin-source=$work/pin"
    expect 0 '' birthmark site show
    printf 0000 >"$work/pin"
    refused="birthmark-signer: the token refuses the PIN: correct pin-value or pin-source in site.conf (a few wrong ones lock the token)"
    expect 3 "birthmark: $refused" birthmark site show
    expect 3 "$refused
birthmarkd: birthmark-signer exited with status 3" "${serve[@]}"
    printf 5678 >"$work/pin"
    # FAULTS F14: gone at the start, back, gone again: what needs no token goes on, a device is told to come again, and nobody has to help
    mv "$work/tokens" "$work/gone"
    expect 0 "~^birthmark-signer: the CA's token is away, and nothing is signed until it is there: " birthmark site show
    grep -q 'away' "$work/out" || die "site show does not say that the token is away: $(cat "$work/out")"
    home=$BIRTHMARK_HOME
    mv "$work/gone" "$work/tokens"
    site_fill 3 3
    mv "$work/tokens" "$work/gone"
    server_start
    grep -q "^birthmark-signer: the CA's token is away, and nothing is signed until it is there: " "$work/server.log" || die "the server does not say that its token is away"
    health() { curl -s --cacert "$home/root.pem" "https://localhost:$port/healthz"; }
    health | grep -q '"status": *"token-away"' || die "/healthz says $(health)"
    health | grep -qE '"token": *{"state": *"away", *"since": *"20[0-9TZ:-]+", *"sentence": *"[^"]+"}' || die "/healthz says $(health)"
    expect 3 "~the CA's token is away" enrol 1
    expect 3 "~the CA's token is away" enrol 2
    for _ in $(seq 100); do ! birthmark alarm list --json --state open | grep -q '"kind":"token"' || break; sleep 0.1; done
    [ "$(birthmark alarm list --json --state open | grep -c '"kind":"token"')" = 1 ] || die "not one alarm for the token: $(birthmark alarm list --json)"
    birthmark vendor add Other --signer "$work/maker.pub" >/dev/null || die "a server without its token does not work"
    mv "$work/gone" "$work/tokens"
    for _ in $(seq 400); do ! health | grep -q '"status": *"ok"' || break; sleep 0.1; done
    for _ in $(seq 50); do ! enrol 1 >/dev/null 2>&1 || break; sleep 0.1; done
    expect 0 '' enrol 1
    expect 0 '' enrol 2
    health | grep -q '"token": *{"state": *"here"}' || die "/healthz says $(health)"
    server_stop
    expect 3 '~^birthmark: --token: no token matches' birthmark init --home "$work/none" --name X --token "pkcs11:token=nosuch?pin-source=$work/pin"
    [ ! -e "$work/none/site.conf" ] || die "an init that failed left a site"
    expect 0 '' birthmark ledger verify
else
    echo "passed over: the token, since softhsm2-util is not installed"
fi
echo "$passed sentences; the ledger had $leaves before"
