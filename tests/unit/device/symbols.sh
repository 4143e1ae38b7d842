#!/bin/sh
# symbols.sh - the library gives away what its header declares, under a version, and nothing else; the header is C89's and C++98's too.
#
#   symbols.sh SOURCE-ROOT LIBRARY
set -eu
source=$1 library=$2
dir=$(mktemp -d /tmp/birthmark-symbols-XXXXXX)
trap 'rm -rf "$dir"' EXIT

sed -n 's/^[a-z].*[ *]\(birthmark_[a-z_]*\)(.*/\1@@BIRTHMARK_1/p' "$source/include/birthmark.h" | sort >"$dir/declared"
readelf --dyn-syms -W "$library" | awk '$7 ~ /^[0-9]+$/ { print $8 }' | sort >"$dir/exported"
diff -u "$dir/declared" "$dir/exported" || { echo "symbols: declared (-) and exported (+) differ" >&2; exit 1; }
[ "$(wc -l <"$dir/declared")" -gt 15 ] || { echo "symbols: the header's declarations are not found" >&2; exit 1; }
readelf -d "$library" | grep -q 'SONAME.*\[libbirthmark\.so\.0\]' || { echo "symbols: another soname" >&2; exit 1; }

said=0
for compiler in 'gcc -x c -std=c89' 'clang -x c -std=c89' 'g++ -x c++ -std=c++98' 'clang -x c++ -std=c++98' 'g++ -x c++ -std=c++20'; do
    command -v "${compiler%% *}" >/dev/null || continue
    # shellcheck disable=SC2086 # words
    echo '#include <birthmark.h>' | $compiler -pedantic -Wall -Wextra -Werror -fsyntax-only -I"$source/include" -
    said=$((said + 1))
done
[ $said -ge 2 ] || { echo "symbols: no compiler was there" >&2; exit 1; }
