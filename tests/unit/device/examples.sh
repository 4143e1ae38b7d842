#!/bin/bash
# examples.sh - the example of every manual page in section 3 is taken out of the page, compiled as C89 without a warning, and run: a key in software,
# a real site. The pages themselves are without a fault.
#
#   examples.sh SOURCE-ROOT BUILD-DIRECTORY [valgrind]     valgrind: each runs under it, and so does OpenSSL's command with the provider
#
# exit: 0 they work, 1 one does not, 77 valgrind is not installed
# shellcheck disable=SC1091,SC2034,SC2154,SC2164 # from there: $source, $build, $server, $port, $said
. "$(dirname "$0")/../cli/lib.sh" "$1" "$2"
ulimit -c 0
under=()
if [ "${3:-}" = valgrind ]; then
    tools valgrind
    leaks=definite,indirect,possible
    under=(valgrind -q --leak-check=full "--errors-for-leak-kinds=$leaks" "--show-leak-kinds=$leaks" --error-exitcode=99)
fi

example() { # PAGE: what stands between .EX and .EE
    sed -n '/^\.EX$/,/^\.EE$/{/^\.E[XE]$/!p}' "$1" | sed 's/^\\&//; s/\\e/\\/g; s/\\-/-/g; s/\\(aq/'"'"'/g; s/\\(ha/^/g; s/\\(ti/~/g'
}

pages=0
for page in "$source"/man/*.3; do
    if grep -q '^\.so ' "$page"; then continue; fi
    name=$(basename "$page" .3)
    example "$page" >"$name.c"
    gcc -std=c89 -pedantic -Wall -Wextra -Werror -I"$source/include" -o "$name" "$name.c" -L"$build" -Wl,-rpath,"$build" -lbirthmark -lssl -lcrypto
    if command -v groff >/dev/null; then
        said=$(groff -ww -man -Tutf8 -z "$page" 2>&1) || die "$said"
        [ -z "$said" ] || die "$said"
    fi
    pages=$((pages + 1))
done
compiled=$pages
example_runs() { # STATUS PATTERN PAGE [ARGUMENT...]
    expect "$1" "$2" ${under[@]+"${under[@]}"} "./$3" "${@:4}"
    compiled=$((compiled - 1))
}

# ---- a site that takes development keys, and one chip of its lot ----

birthmark init --name "Example Works" --url https://localhost:8443 >setup.log
maker silicon
chip one C-1
{
    birthmark lot sign one.der --key silicon.key --vendor Silicon --lot EX-1 -o EX-1.manifest
    birthmark vendor add Silicon --signer silicon.pub
    birthmark lot receive EX-1.manifest --vendor Silicon
    birthmark order open first --lot EX-1 --profile bench-1 --quantity 1
} >>setup.log 2>&1
serve
root=soft:$HOME/one.pem ca=$BIRTHMARK_HOME/root.pem

example_runs 0 '^open$' birthmark_open "$root"
expect 1 '"floppy:" names no root of trust' ./birthmark_open floppy:
example_runs 0 '^enrolled$' birthmark_enrol "$root" "https://localhost:$port" "$ca"
expect 2 '' ./birthmark_enrol
expect 3 '' ./birthmark_enrol "$root" https://localhost:1 "$ca"
example_runs 0 '^up to date$' birthmark_renew "$root" "https://localhost:$port" "$ca"
example_runs 0 '^root software, identities 1$' birthmark_status "$root"
grep -qE '^mqtt: usable, certificate [0-9a-f]+, [0-9]+ bytes$' <<<"$said" || die "$said"
example_runs 0 '^TLSv1.3$' birthmark_tls_client "$root" "$ca" localhost "localhost:$port"
expect 3 '' ./birthmark_tls_client "$root" "$ca" another.example "localhost:$port" # not its name
example_runs 3 '^the line is not connected$' birthmark_carry "$root" "$ca"
grep -qxF 'POST /.well-known/est/nonce, with a body' <<<"$said" || die "$said"
example_runs 0 '' birthmark_key_file "$root"
expect 0 'BIRTHMARK IDENTITY' cat mqtt.key
expect 0 'BEGIN CERTIFICATE' cat mqtt.pem
if [ ${#under[@]} -gt 0 ]; then # the provider, in a program that knows nothing of it
    sed "s|@module@|$build/src/device/birthmark.so|" "$source/src/device/openssl.cnf.in" >openssl.cnf
    OPENSSL_CONF=$HOME/openssl.cnf expect 0 '' "${under[@]}" openssl req -new -key mqtt.key -subj /CN=again -out again.csr
    BIRTHMARK_ROOT=$root OPENSSL_CONF=$HOME/openssl.cnf expect 0 'found: ' "${under[@]}" openssl storeutl -noout birthmark:service=mqtt
    expect 0 'OK' openssl req -in again.csr -verify -noout
fi
example_runs 0 'knows no boot state' birthmark_bind "$root"
example_runs 0 '^the key of the disk$' birthmark_seal "$root"
example_runs 0 '^root software, identities 0$' birthmark_retire "$root"
[ $compiled = 0 ] || die "$compiled of $pages examples were not run"
unserve
