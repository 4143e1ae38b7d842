#!/bin/sh
# run.sh - give one fuzz target a bounded time, from its seeds if it has any; a finding is left beside the program, with its name.
#
#   run.sh PROGRAM SEEDS-DIRECTORY [OPTION...]        BM_FUZZ_SECONDS (3) and BM_FUZZ_RUNS (1000000) bound it
set -eu
program=$1
seeds=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -d "$seeds" ] || seeds=
# A finding ends with 1: libFuzzer's own number for it is 77, and a test that ends so counts as skipped.
# shellcheck disable=SC2086 # no seeds, no argument
"$program" -max_total_time="${BM_FUZZ_SECONDS:-3}" -runs="${BM_FUZZ_RUNS:-1000000}" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -seed=1 -error_exitcode=1 \
    -print_final_stats=1 "$@" -artifact_prefix="$program-finding-" "$work" $seeds 2>&1
