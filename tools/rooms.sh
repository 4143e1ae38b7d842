#!/bin/sh
# rooms.sh - fail where a room includes a header of a room that it was not given (tools/rooms.txt), where a room is not listed,
# where a listed room may look back at one that may look at it, and where the public headers include one of ours.
set -eu
cd "$(dirname "$0")/.."
list=tools/rooms.txt

includes() {
    sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]\([a-z_0-9]*\)\/.*/\1/p' "$1" | sort -u
}

report=$(
    for dir in src/*/; do
        room=$(basename "$dir")
        may=$(sed -n "s/^$room:[[:space:]]*//p" "$list")
        grep -q "^$room:" "$list" || { echo "src/$room is not in $list"; continue; }
        for file in $(find "$dir" -name '*.[ch]' | sort); do
            for dep in $(includes "$file"); do
                [ -d "src/$dep" ] || continue # a library's directory, such as openssl/
                case " $room $may " in
                *" $dep "*) ;;
                *) echo "$file looks into $dep/, which $room/ may not ($list)" ;;
                esac
            done
            # "../x/y.h" would walk around the rule, "x.h" hides whose header it is.
            grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^/"]*|\.\.?/.*)"' "$file" | grep -v '"birthmark.h"' |
                sed "s|^|$file:|; s|\$|  (say ROOM/HEADER.h)|" || :
        done
    done
    for file in include/*.h; do
        [ -e "$file" ] || continue
        if grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$file"; then
            echo "$file includes a header that is not installed"
        fi
    done
    # One way only: no two rooms may each look into the other, by whatever road.
    awk -F: '/^[a-z]/ { n = split($2, w, " "); for (i = 1; i <= n; i++) edge[$1, w[i]] = 1; room[$1] = 1 }
        END {
            for (k in room) for (i in room) for (j in room) if ((i, k) in edge && (k, j) in edge) edge[i, j] = 1
            for (i in room) if ((i, i) in edge) print "tools/rooms.txt: " i " may, by some road, look into itself"
        }' "$list"
)
[ -z "$report" ] || { echo "$report"; exit 1; }
