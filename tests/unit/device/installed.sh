#!/bin/sh
# installed.sh - what a device maker has after `meson install`: a program of his, compiled with what pkg-config says alone, links and runs; and a manual
# page stands there for every function.
#
#   installed.sh BUILD-DIRECTORY
set -eu
build=$1
dir=$(mktemp -d /tmp/birthmark-installed-XXXXXX)
trap 'rm -rf "$dir"' EXIT
meson install -C "$build" --no-rebuild --destdir "$dir" --quiet >"$dir/log" 2>&1 || { tail -n 5 "$dir/log" >&2; exit 1; }
pc=$(find "$dir" -name libbirthmark.pc)
[ -n "$pc" ] || { echo "installed: there is no libbirthmark.pc" >&2; exit 1; }
PKG_CONFIG_PATH=$(dirname "$pc") && export PKG_CONFIG_PATH
prefix=$dir$(pkg-config --variable=prefix libbirthmark)
flags=$(pkg-config --define-variable=prefix="$prefix" --cflags --libs libbirthmark)
case " $flags " in *' -lssl '*) ;; *) echo "installed: $flags" >&2; exit 1 ;; esac

cat >"$dir/program.c" <<'END'
#include <birthmark.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct birthmark *bm = birthmark_new();
    enum birthmark_result result = birthmark_open(bm, argc > 1 ? argv[1] : NULL);

    printf("%d %s\n", (int)result, birthmark_error(bm));
    birthmark_free(bm);
    SSL_CTX_free(NULL);
    return 0;
}
END
# shellcheck disable=SC2086 # words
gcc -std=c89 -pedantic -Wall -Wextra -Werror -o "$dir/program" "$dir/program.c" $flags
library=$(find "$dir" -name libbirthmark.so.0)
said=$(LD_LIBRARY_PATH=$(dirname "$library") "$dir/program" floppy:a)
case $said in '1 "floppy:a" names no root of trust'*) ;; *) echo "installed: it says $said" >&2; exit 1 ;; esac

sed -n 's/^[a-z].*[ *]\(birthmark_[a-z_]*\)(.*/\1/p' "$prefix/include/birthmark.h" >"$dir/functions"
while read -r name; do
    page=$(find "$dir" -path '*/man3/*' -name "$name.3*")
    [ -n "$page" ] || { echo "installed: there is no manual page $name(3)" >&2; exit 1; }
    case $(head -n 1 "$page") in
    .so\ *) [ -e "$(dirname "$(dirname "$page")")/$(sed -n '1s/^\.so //p' "$page")" ] || { echo "installed: $page leads nowhere" >&2; exit 1; } ;;
    *) grep -q "^\\.EX" "$page" || { echo "installed: $page has no example" >&2; exit 1; } ;;
    esac
done <"$dir/functions"
