#!/bin/sh
# left_out.sh - a library built with one kind of root says plainly that another is not built in, and opens its own.
#
#   left_out.sh AGENT LIBRARY KIND
set -eu
agent=$1 library=$2 kind=$3
dir=$(mktemp -d /tmp/birthmark-left-out-XXXXXX)
trap 'rm -rf "$dir"' EXIT
readelf -d "$agent" | grep -q 'libbirthmark\.so' || exit 1
cp "$library" "$dir/$(readelf -d "$agent" | sed -n 's/.*NEEDED.*\[\(libbirthmark.so[^]]*\)\].*/\1/p')"
says() { # ROOT WORDS: what the agent says of it
    said=$(LD_LIBRARY_PATH=$dir "$agent" status --root "$1" 2>&1) && status=0 || status=$?
    case $said in *"$2"*) ;; *) echo "$1: exit $status, $said" >&2 && exit 1 ;; esac
}
for other in tpm2 pkcs11 puf soft; do
    [ "$other" = "$kind" ] || says "$other:x" "roots of trust of kind $other are not built in, only $kind: build with -Droots=$other"
done
case $kind in
soft) says "soft:$dir/key.pem" "birthmark chip create" ;; # its key is to be made first
puf) says "puf:sim:a chip:$dir/helper" puf ;;
pkcs11) says pkcs11:token=no-such-token token ;;
tpm2) says tpm2:swtpm:port=1 TPM ;;
esac
