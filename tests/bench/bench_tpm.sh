#!/bin/bash
# bench_tpm.sh - a whole enrolment of a virtual TPM, and its renewal, at a server with everything on: TPM commands against the least that the protocol
# allows, and the wall time split into TPM, server, and the rest. The middle one of twelve TPMs.
# shellcheck disable=SC1091,SC2154 # from there: $source, $build, $server, $port
here=$(cd "$(dirname "$0")" && pwd)
build=${BM_BUILD:-$here/../../build}
. "$here/../unit/cli/lib.sh" "$here/../.." "$build"
PATH=$PATH:/usr/sbin:/sbin
needs_roots tpm2
tools swtpm swtpm_setup tpm2_createek
ninja -C "$build" --quiet tests/bench/tpm_enrolments >/dev/null
N=12

finish_more() {
    "$source/tests/journey/virtual-hardware.sh" stop "$HOME/chips" 2>/dev/null || :
}

"$source/tests/journey/virtual-hardware.sh" start "$HOME/chips" --tpm $N >chips.txt
sed -n 's/^tpm-[0-9]* //p' chips.txt >uris.txt
maker silicon

site() { # NAME URI-SUFFIX: a site of its own with a lot of these TPMs
    local n=0 uri
    export BIRTHMARK_HOME=$HOME/$1
    rm -f ./*.der
    while read -r uri; do
        n=$((n + 1))
        birthmark chip create --root "$uri$2" --id "$1-$n" -o "$n.der"
    done <uris.txt
    birthmark lot sign ./*.der --key silicon.key --vendor Silicon --lot "$1" -o "$1.manifest"
    birthmark init --name "Example Works" --url https://localhost:8443
    birthmark vendor add Silicon --signer silicon.pub
    birthmark lot receive "$1.manifest" --vendor Silicon --expect $N
    birthmark order open first --lot "$1" --profile gateway-1 --quantity $N
}
for kind in activated certified; do
    suffix=
    while read -r uri; do birthmark-agent reset --root "$uri" --factory --yes >>reset.log; done <uris.txt
    [ $kind = activated ] || suffix=';template=H-2'
    site "$kind" "$suffix" >"setup-$kind.log" 2>&1
    serve
    # shellcheck disable=SC2046 # one word a TPM
    "$build/tests/bench/tpm_enrolments" "$kind" "https://localhost:$port" "$BIRTHMARK_HOME/root.pem" "$server" $(cat uris.txt)
    unserve
done
