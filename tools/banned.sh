#!/bin/sh
# banned.sh - ask the objects, not the text: fail where one of ours calls what has no place here (tools/banned.h says the same
# to the compiler, but a macro or another library's inline function gets past that).
#
#   tools/banned.sh BUILD-DIRECTORY
set -eu
build=${1:?usage: tools/banned.sh BUILD-DIRECTORY}
objects=$(find "$build/src" -name '*.o' | sort)
[ -n "$objects" ] || { echo "banned.sh: no objects under $build/src; build first" >&2; exit 1; }
# shellcheck disable=SC2086 # one word an object: our names have no blanks
nm -u -A $objects | awk '
    { symbol = $NF; sub(/@.*/, "", symbol); sub(/^__/, "", symbol); sub(/_chk$/, "", symbol); sub(/^isoc23_/, "", symbol) }
    symbol ~ /^(str(n?cpy|n?cat|tok)|stp(n?cpy)|v?sprintf|gets|ato(i|l|ll|f)|s?rand(om)?(_r)?|[del]rand48|system|popen|tmpnam|tempnam|mktemp|alloca|gmtime|localtime|asctime|ctime|signal|setjmp|longjmp)$/ {
        file = $1; sub(/:.*/, "", file); print file " calls " symbol "()"; bad = 1
    }
    # Deprecated since OpenSSL 3.0: the low-level key APIs. What lies over them is EVP. digest_each.c says why it hashes by them.
    !/digest_each\.c\.o:/ && symbol ~ /^(EC_KEY_|ECDSA_(do_)?(sign|verify)|RSA_(new|public_|private_|sign|verify)|(SHA(1|224|256|384|512)|MD5)_(Init|Update|Final)|HMAC_(Init|Update|Final|CTX)|AES_)/ {
        file = $1; sub(/:.*/, "", file); print file " calls " symbol "(), which OpenSSL 3 has deprecated"; bad = 1
    }
    END { exit bad }'
