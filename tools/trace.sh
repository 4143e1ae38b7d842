#!/bin/sh
# trace.sh - pair every "req: RFCnnnn 1.2" beside code with a "proves: RFCnnnn 1.2" beside a test; an orphan on either side fails.
#
#   tools/trace.sh [--table]     --table prints all pairs: rule, state, where it is kept, where it is proved
set -eu
cd "$(dirname "$0")/.."
table=${1:-}
# shellcheck disable=SC2046 # directories that are there
grep -rnoE '(req|proves): [A-Z][A-Za-z0-9-]* [A-Z]?[0-9]+([.-][A-Za-z0-9]+)*' --include='*.[ch]' --include='*.sh' \
    $(for d in include src tests; do [ ! -d $d ] || echo $d; done) |
    awk -v table="$table" -v tab="$(printf '\t')" '
    {
        # FILE:LINE:req: RFC5272 6.6
        split($0, part, ":"); where = part[1] ":" part[2]
        rule = $(NF - 1) " " $NF
        if ($0 ~ /:req: /) { if (rule in kept) where = kept[rule] " " where; kept[rule] = where }
        else { if (rule in proved) where = proved[rule] " " where; proved[rule] = where }
    }
    END {
        for (rule in kept) {
            if (table != "") print rule tab (rule in proved ? "proved" : "UNPROVED") tab kept[rule] tab proved[rule] | "sort -V"
            else if (!(rule in proved)) print rule ": kept in " kept[rule] ", proved by no test" | "sort -V"
            if (!(rule in proved)) bad = 1
        }
        for (rule in proved) if (!(rule in kept)) {
            print rule ": a test proves it (" proved[rule] "), and nothing says that it keeps it" | "sort -V"; bad = 1
        }
        close("sort -V"); exit bad
    }'
