#!/bin/sh
# size.sh - libbirthmark and its provider are small and keep nothing: code and constants without what they link, no variable of ours.
#
#   size.sh KIB FILE [KIB FILE]...     fewer than 150 KiB of code, and than KIB of text (code, constants, and what the linker needs to load them), for each
set -eu
while [ $# -gt 0 ]; do
    limit=$1 file=$2
    shift 2
    text=$(size "$file" | awk 'NR == 2 { print $1 }')
    code=$(size -A "$file" | awk '$1 == ".text" { print $2 }')
    size "$file" | awk -v file="$file" -v code="$code" 'NR == 2 { print file ": text " $1 " bytes, of it code " code ", data " $2 ", bss " $3 }'
    if nm "$file" | grep -q '__asan\|__ubsan'; then echo "a sanitizer's: not measured" && continue; fi
    if readelf -p .comment "$file" | grep -q clang; then echo "clang's: only told" && continue; fi # Debian builds with gcc
    [ "$code" -lt $((150 * 1024)) ] || { echo "$file: more than 150 KiB of code" >&2; exit 1; }
    [ "$text" -lt $((limit * 1024)) ] || { echo "$file: more than $limit KiB" >&2; exit 1; }
    # what the C library's start puts there apart (completed.0)
    variables=$(nm --defined-only "$file" | grep -E ' [bBdD] ' | grep -vE ' (completed\.[0-9]*|__.*|_.*)$' | awk '$2 ~ /[bB]/ { print $3 }')
    [ -z "$variables" ] || { echo "$file: keeps $variables" >&2; exit 1; }
done
