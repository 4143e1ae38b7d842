#!/bin/bash
# virtual-hardware.sh - virtual chips to try Birthmark on: TPMs (swtpm) with endorsement certificates from a chipmaker's CA made
# on the spot, secure elements (SoftHSM tokens) and PUFs (simulated arrays). Everything lies in one directory, and nothing outside it is touched.
#
#   virtual-hardware.sh start DIR [--tpm N] [--se M] [--puf K]   make what is missing, start it, print "NAME ROOT-URI" lines
#   virtual-hardware.sh list  DIR                      print them again
#   virtual-hardware.sh clone DIR NAME                 start a bit-for-bit copy of a TPM, as somebody who opened it could; print its line
#   virtual-hardware.sh stop  DIR                      stop what runs; the chips keep their state
#
# Secure elements want SOFTHSM2_CONF=DIR/softhsm2.conf in the environment of whoever uses them.
# exit: 0 done, 2 used wrongly, 3 the chips cannot be made or started (one line says why)
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

usage() {
    sed -n 's/^# \{0,1\}//; 2,11p' "$0"
}

die() {
    echo "virtual-hardware: $*" >&2
    exit 3
}

# ---- the chipmaker's CA: a root and the CA that signs endorsement certificates ----

make_ca() {
    local ca=$dir/chipmaker
    [ ! -e "$ca/ready" ] || return 0
    rm -rf "$ca"
    mkdir -p "$ca"
    cat >"$ca/openssl.cnf" <<CNF
[req]
distinguished_name = none
[none]
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[issuer]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
CNF
    local name
    for name in root issuer; do
        openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$ca/$name.key" 2>/dev/null ||
            openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$ca/$name.key" # 3.0 knows no -quiet
    done
    openssl req -new -x509 -config "$ca/openssl.cnf" -extensions root -key "$ca/root.key" -days 7300 \
        -subj "/O=Example Silicon/CN=Example Silicon TPM Root" -out "$ca/root.pem"
    openssl req -new -config "$ca/openssl.cnf" -key "$ca/issuer.key" -subj "/O=Example Silicon/CN=Example Silicon TPM EK CA 1" -out "$ca/issuer.csr"
    openssl x509 -req -in "$ca/issuer.csr" -CA "$ca/root.pem" -CAkey "$ca/root.key" -CAcreateserial -days 3650 \
        -extfile "$ca/openssl.cnf" -extensions issuer -out "$ca/issuer.pem" 2>/dev/null
    rm "$ca/issuer.csr"
    # swtpm_localca's own configuration; it counts serial numbers in certserial, under a lock.
    cat >"$ca/localca.conf" <<CONF
statedir = $ca
signingkey = $ca/issuer.key
issuercert = $ca/issuer.pem
certserial = $ca/certserial
CONF
    printf '%s\n' '--platform-manufacturer ExampleWorks' '--platform-version 1.0' '--platform-model Gateway' >"$ca/localca.options"
    cat >"$ca/setup.conf" <<CONF
create_certs_tool = $(command -v swtpm_localca)
create_certs_tool_config = $ca/localca.conf
create_certs_tool_options = $ca/localca.options
active_pcr_banks = sha256
CONF
    touch "$ca/ready"
}

# ---- TPMs ----

port_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

ours() { # PID DIR: does this process still run, and is it the swtpm of that directory?
    [ -r "/proc/$1/cmdline" ] && tr '\0' ' ' <"/proc/$1/cmdline" | grep -qF "dir=$2"
}

# Below the kernel's range for outgoing connections, else a client's own port may stand in the way. A port and the next: commands, control.
start_tpm() { # NAME
    local tpm=$dir/$1 try port
    if [ -e "$tpm/pid" ] && ours "$(cat "$tpm/pid")" "$tpm/state"; then return 0; fi
    for try in 1 2 3 4 5 6 7 8 9 10; do
        port=$((20000 + (RANDOM % 6000) * 2))
        if ! port_free $port || ! port_free $((port + 1)); then continue; fi
        # --daemon binds before it says yes, so a port that was taken meanwhile just means another try.
        if swtpm socket --tpm2 --tpmstate "dir=$tpm/state" --server "type=tcp,port=$port,bindaddr=127.0.0.1" \
            --ctrl "type=tcp,port=$((port + 1)),bindaddr=127.0.0.1" --flags not-need-init,startup-clear \
            --pid "file=$tpm/pid" --log "file=$tpm/swtpm.log" --daemon 9>&- >>"$tpm/start.log" 2>&1; then
            echo $port >"$tpm/port"
            return 0
        fi
    done
    echo "virtual-hardware: swtpm did not start after $try tries; see $tpm/start.log" >&2
    return 1
}

# swtpm_setup gives a TPM an RSA-2048 and a P-384 endorsement key with certificates, never the P-256 one of the TCG's template L-2,
# which devices use most: certify that too and put it where the TCG says (EK Credential Profile, 0x01c0000a).
certify_p256_ek() { # NAME NUMBER
    local tpm=$dir/$1 ca=$dir/chipmaker
    local work=$tpm/ek port point
    mkdir -p "$work"
    port=$(cat "$tpm/port")
    export TPM2TOOLS_TCTI="swtpm:host=127.0.0.1,port=$port"
    tpm2_createek -Q -G ecc -c "$work/ek.ctx" -u "$work/ek.pem" -f pem
    tpm2_flushcontext -Q -t
    # By its coordinates: of a --pubkey swtpm_cert says keyEncipherment, where an EC key agrees.
    point=$(openssl pkey -pubin -in "$work/ek.pem" -outform DER | tail -c 64 | od -An -v -tx1 | tr -d ' \n')
    swtpm_cert --type ek --tpm2 --decryption --ecc-x "${point:0:64}" --ecc-y "${point:64}" --ecc-curveid secp256r1 \
        --signkey "$ca/issuer.key" --issuercert "$ca/issuer.pem" \
        --tpm-manufacturer id:00001014 --tpm-model swtpm --tpm-version id:20191023 --tpm-spec-family 2.0 --tpm-spec-level 0 \
        --tpm-spec-revision 164 --serial $((1000000000 + $2)) --days 3650 --out-cert "$work/ek.der"
    tpm2_nvdefine -Q 0x1c0000a -C p -s "$(stat -c %s "$work/ek.der")" \
        -a 'ppwrite|writedefine|ppread|ownerread|authread|no_da|platformcreate'
    tpm2_nvwrite -Q 0x1c0000a -C p -i "$work/ek.der"
}

make_tpm() { # NAME NUMBER
    local tpm=$dir/$1
    if [ ! -e "$tpm/ready" ]; then
        rm -rf "$tpm"
        mkdir -p "$tpm/state"
        swtpm_setup --tpm2 --tpmstate "$tpm/state" --create-ek-cert --create-platform-cert --ecc --lock-nvram \
            --config "$dir/chipmaker/setup.conf" --vmid "$1" --overwrite >"$tpm/setup.log" 2>&1 ||
            { tail -n 5 "$tpm/setup.log" >&2; return 1; }
        start_tpm "$1" || return 1
        certify_p256_ek "$1" "$2" >>"$tpm/setup.log" 2>&1 || { tail -n 5 "$tpm/setup.log" >&2; return 1; }
        touch "$tpm/ready"
    fi
    start_tpm "$1"
}

# Making a TPM is mostly waiting, so many at once; but not so many that they stand in each other's way.
make_tpms() { # N
    local n pids=() name pid bad=
    for ((n = 1; n <= $1; n++)); do
        printf -v name 'tpm-%02d' "$n"
        (make_tpm "$name" "$n") &
        pids+=($!)
        if ((n % 16 == 0 || n == $1)); then
            for pid in "${pids[@]}"; do wait "$pid" || bad=yes; done
            pids=()
        fi
    done
    [ -z "$bad" ] || die "not every virtual TPM could be made; its directory in $dir has a setup.log"
}

# ---- secure elements ----

find_module() {
    local path
    for path in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
        if [ -e "$path" ]; then echo "$path" && return 0; fi
    done
    return 1
}

make_elements() { # M
    local n name
    find_module >"$dir/module" || die "no libsofthsm2.so; install softhsm2 (tools/deps run)"
    [ -e "$dir/softhsm2.conf" ] || {
        mkdir -p "$dir/tokens"
        printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n' "$dir/tokens" >"$dir/softhsm2.conf"
        (umask 077 && printf '%s' "$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')" >"$dir/pin")
    }
    for ((n = 1; n <= $1; n++)); do
        printf -v name 'se-%02d' "$n"
        [ ! -e "$dir/$name" ] || continue
        SOFTHSM2_CONF=$dir/softhsm2.conf softhsm2-util --init-token --free --label "$name" --so-pin "$(cat "$dir/pin")" --pin "$(cat "$dir/pin")" \
            >"$dir/softhsm.log" 2>&1 || die "softhsm2-util could not make token $name: $(tail -n 1 "$dir/softhsm.log")"
        touch "$dir/$name"
    done
}

# ---- PUFs: nothing runs; the chip is its seed, and its helper data will lie beside it ----

make_pufs() { # K
    local n name
    for ((n = 1; n <= $1; n++)); do
        printf -v name 'puf-%02d' "$n"
        [ ! -e "$dir/$name/seed" ] || continue
        mkdir -p "$dir/$name"
        od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$dir/$name/seed"
    done
}

# ---- all ----

list() {
    local path name
    for path in "$dir"/tpm-* "$dir"/clone-*; do
        if [ -e "$path/pid" ] && [ -e "$path/ready" ] && ours "$(cat "$path/pid")" "$path/state"; then
            echo "${path##*/} tpm2:swtpm:port=$(cat "$path/port")"
        fi
    done
    for path in "$dir"/se-*; do
        [ -e "$path" ] || continue
        name=${path##*/}
        echo "$name pkcs11:token=$name;object=root?module-path=$(cat "$dir/module")&pin-source=file:$dir/pin"
    done
    for path in "$dir"/puf-*; do
        if [ -e "$path/seed" ]; then echo "${path##*/} puf:sim:$(cat "$path/seed"):$path/helper"; fi
    done
}

# The newer copy keeps running if the TPM itself stops: they are two devices now.
clone() { # NAME
    local copy=clone-${1#tpm-}
    [ -e "$dir/$1/ready" ] || die "there is no TPM $1 in $dir"
    rm -rf "${dir:?}/$copy"
    mkdir -p "$dir/$copy/state"
    cp "$dir/$1"/state/tpm2-* "$dir/$copy/state/"
    start_tpm "$copy" || exit 3
    touch "$dir/$copy/ready"
    list | grep "^$copy "
}

stop() {
    local path pid left=()
    for path in "$dir"/tpm-* "$dir"/clone-*; do
        [ -e "$path/pid" ] || continue
        pid=$(cat "$path/pid")
        if ours "$pid" "$path/state"; then kill "$pid" 2>/dev/null && left+=("$pid:$path/state"); fi
        rm -f "$path/pid" "$path/port"
    done
    local try one
    for try in $(seq 50); do
        local still=()
        for one in ${left[@]+"${left[@]}"}; do
            if ours "${one%%:*}" "${one#*:}"; then still+=("$one"); fi
        done
        [ ${#still[@]} -gt 0 ] || return 0
        left=("${still[@]}")
        sleep 0.1
    done
    for one in "${left[@]}"; do kill -9 "${one%%:*}" 2>/dev/null || :; done
}

case ${1:-} in
--help | -h) usage; exit 0 ;;
start | list | clone | stop) verb=$1 ;;
*) usage >&2; exit 2 ;;
esac
[ $# -ge 2 ] || { usage >&2; exit 2; }
dir=$2
shift 2
case $verb in
start)
    tpms=0 elements=0 pufs=0
    while [ $# -gt 0 ]; do
        case $1 in
        --tpm) tpms=${2:-} ;;
        --se) elements=${2:-} ;;
        --puf) pufs=${2:-} ;;
        *) usage >&2; exit 2 ;;
        esac
        shift
        [ $# -gt 0 ] && shift
    done
    case $tpms$elements$pufs in *[!0-9]* | '') usage >&2; exit 2 ;; esac
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd) # swtpm fails every command when its directory is relative
    ((tpms == 0)) || { make_ca; make_tpms "$tpms"; }
    ((elements == 0)) || make_elements "$elements"
    make_pufs "$pufs"
    list
    ;;
*)
    [ -d "$dir" ] || die "no directory $dir"
    dir=$(cd "$dir" && pwd)
    "$verb" "$@"
    ;;
esac
