#!/bin/bash
# watching.sh - what became of a reel's chips, told from real enrolments: seen in the field, issued and never seen, never used, shown twice; by reel and date.
#
#   watching.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not, 77 strace is not here
# shellcheck disable=SC1091,SC2129,SC2154,SC2164 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
tools strace
no_leaks=${ASAN_OPTIONS:-}:detect_leaks=0

# ---- six chips on two reels, of three days and two firmwares; one of whose day and firmware nobody says anything ----

birthmark init --name "Example Works" --url https://localhost:8443 >init.log
p256 c{1,2,3,4,5,6}.pem
{
    echo 'id,key,reel,date,firmware'
    while read -r n reel date firmware; do
        printf 'C-%d,%s,%s,%s,%s\n' "$n" "$(openssl pkey -in c"$n".pem -pubout -outform DER | base64 -w0)" "$reel" "${date#-}" "${firmware#-}"
    done <<'CHIPS'
1 R-17 2026-05-30 1.2
2 R-17 2026-06-01 1.2
3 R-17 2026-06-01 1.3
4 R-18 2026-06-01 1.3
5 R-18 2026-06-30 1.3
6 R-18 - -
CHIPS
} >reels.csv
birthmark vendor add Reels --format csv >>init.log
birthmark lot receive reels.csv --vendor Reels --lot W-1 --expect 6 >>init.log 2>&1
birthmark order open first --lot W-1 --profile bench-1 --quantity 5 >>init.log
serve

reconciled() { # the report without what is the same everywhere
    plain birthmark lot reconcile W-1 --json
}
counts() { # EXPECTED ISSUED UNUSED SEEN NEVER TWICE: of the whole lot
    expect 0 "^\{\"lot\":\"W-1\",.*\"expected\":$1,\"issued\":$2,\"unused\":$3,\"scrapped\":0,\"withdrawn\":0,\"reissued\":[0-9],\"seen\":$4,\"never_seen\":$5,\"seen_twice\":$6,\"ordered\"" \
        birthmark lot reconcile W-1 --json
}
chip_of() { # N: its line, of the columns that tell what became of it
    birthmark lot reconcile W-1 --csv | tr -d '\r' | awk -F, -v chip="C-$1" '$1 == chip { print $7, ($10 == "" ? "unseen" : "seen"), ($11 == "" ? "once" : $11), $12 }'
}
counts 6 0 6 0 6 0

# ---- seen: the device has its certificate and came back with it. Not seen: it got one and died before it could say so ----

expect 0 '' enrol c1.pem
same 'issued seen once 0' chip_of 1
counts 6 1 5 1 5 0
status=0 # the first is that of the new key
ASAN_OPTIONS=$no_leaks strace -f -o trace -e trace=rename,renameat,renameat2 -e inject=rename,renameat,renameat2:signal=KILL:when=2 \
    "$build/birthmark-agent" enrol --root soft:c2.pem --server "https://localhost:$port" --service mqtt --cacert works/root.pem >died.log 2>&1 || status=$?
[ $status -ge 128 ] || die "the device did not die while it stored its certificate: $(cat died.log)"
same 'issued unseen once 0' chip_of 2
counts 6 2 4 1 5 0
expect 0 '' enrol c4.pem
counts 6 3 3 2 4 0

# ---- seen twice: its root key speaks for a second device; the copy gets nothing, and the chip is marked ----

mkdir copy && cp c4.pem copy/c4.pem
expect 1 '^refused: ' enrol copy/c4.pem
expect 0 '"kind":"clone"' birthmark alarm list --json
expect 0 '^issued seen refused as a clone: alarm [0-9]+ 0$' chip_of 4
counts 6 3 3 2 4 1
expect 0 '"twice":\[\{"chip":"C-4","why":"refused as a clone: alarm [0-9]+"\}\]' birthmark lot reconcile W-1 --json

# ---- a device that comes back to life is seen then; one that needs a new key gets it by an operator's word, and is counted so ----

expect 0 '' enrol c2.pem
same 'issued seen once 0' chip_of 2
expect 0 '' birthmark identity reissue "$(field device birthmark device list --lot W-1 | head -n 1)" mqtt --reason "a drill"
expect 0 '' enrol c1.pem --new-key
same 'issued seen once 1' chip_of 1
counts 6 3 3 3 3 1

# ---- by reel and date, each with its own counts ----

by() { # REEL DATE EXPECTED ISSUED SEEN NEVER TWICE
    reconciled | grep -qF "{\"reel\":$1,\"date\":$2,\"expected\":$3,\"issued\":$4,\"unused\":$(($3 - $4)),\"scrapped\":0,\"withdrawn\":0,\"reissued\":${8:-0},\"seen\":$5,\"never_seen\":$6,\"seen_twice\":$7}" ||
        die "by reel $1 and date $2 it is otherwise: $(reconciled)"
}
by '"R-17"' '"2026-05-30"' 1 1 1 0 0 1
by '"R-17"' '"2026-06-01"' 2 1 1 1 0
by '"R-18"' '"2026-06-01"' 1 1 1 0 1
by '"R-18"' '"2026-06-30"' 1 0 0 1 0
by '"R-18"' null 1 0 0 1 0
[ "$(reconciled | grep -o '"reel":' | wc -l)" = 5 ] || die "there are other groups too: $(reconciled)"
expect 0 '^R-17 +2026-05-30 +1 +1 +0 +1 +1 +0$' birthmark lot reconcile W-1
expect 0 '^R-18 +- +1 +0 +1 +0 +0 +0$' birthmark lot reconcile W-1
expect 0 '^C-4 +refused as a clone: alarm [0-9]+$' birthmark lot reconcile W-1

# ---- a recall means what the list says and nothing else: the first and the last day, a firmware, and no chip of which nothing is said ----

meant() { # OPTION...: the chips that a recall would mean are marked so, and only they
    local before after
    before=$(birthmark lot reconcile W-1 --csv | grep -c ',withdrawn,' || :)
    birthmark lot withdraw W-1 "$@" --reason "recall" >>init.log
    after=$(birthmark lot reconcile W-1 --csv | grep -c ',withdrawn,' || :)
    echo $((after - before))
}
for none in "--date 2026-05-31..2026-05-31" "--date 2026-07-01..2026-07-31" "--firmware 1.4" "--firmware 1" "--firmware 1.2 --date 2026-06-02..2026-06-30" "--ids C-7..C-9"; do
    # shellcheck disable=SC2086 # words
    expect 1 'no chip of lot W-1 is meant by that' birthmark lot withdraw W-1 $none --reason "recall"
done
expect 2 'must be two days' birthmark lot withdraw W-1 --date 2026-06-31..2026-07-32 --reason "recall"
counts 6 3 3 3 3 1
same 1 meant --firmware 1.3 --date 2026-06-30..2026-07-01
same 'withdrawn unseen once 0' chip_of 5
same 1 meant --firmware 1.3 --ids C-1..C-3
same 'withdrawn unseen once 0' chip_of 3
same 2 meant --date 2026-06-01..2026-06-30 # the rest of that month
expect 0 '^withdrawn seen refused as a clone' chip_of 4
same 'issued seen once 1' chip_of 1
same 'unused unseen once 0' chip_of 6
expect 0 '"expected":6,"issued":3,"unused":1,"scrapped":0,"withdrawn":4,.*"seen":3,"never_seen":3,"seen_twice":1,"ordered"' reconciled
expect 1 '^refused: .*withdrawn' enrol c3.pem
expect 0 '' enrol c6.pem

# ---- the same when the server is gone ----

birthmark lot reconcile W-1 --csv >before.csv
birthmark lot show W-1 --chips --json >before.json
unserve
expect 0 ': whole$' birthmark ledger verify
birthmark lot reconcile W-1 --csv >after.csv
birthmark lot show W-1 --chips --json >after.json
if ! cmp before.csv after.csv || ! cmp before.json after.json; then die "without a server the chips are others"; fi
echo "watching: ok"
