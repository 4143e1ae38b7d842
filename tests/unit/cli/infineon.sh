#!/bin/bash
# infineon.sh - the real reel through the command line: roots with P-521 keys pinned, the reel inspected and received, and what is not genuine refused.
#
#   infineon.sh SOURCE-ROOT BUILD-DIRECTORY
#
# exit: 0 all went as it must, 1 it did not, 77 the reel is not here
# shellcheck disable=SC1091,SC2129,SC2154,SC2164 # from there: $source, $build, $shared, $server, $port, $said
. "$(dirname "$0")/lib.sh" "$1" "$2"
reel=$shared/data/infineon
[ -e "$reel/manifest-infineon.7z" ] || skip "Infineon's reel is not here"

file=$reel/manifest-infineon.7z
ecc=(--root "$reel/OptigaTrustEccCA306.crt" --root "$reel/eccroot2.pem")
rsa=(--root "$reel/OptigaTrustRsaCA309.crt" --root "$reel/rsaroot2.pem")
expect 0 '' birthmark init --name "Example Works" --url https://localhost:8443
expect 2 'so --root is wanted' birthmark vendor add Infineon --format infineon
expect 0 infineon birthmark vendor add Infineon --format infineon "${ecc[@]}" "${rsa[@]}"
expect 0 'CN=Infineon OPTIGA\(TM\) ECC Root CA 2' birthmark vendor show Infineon
expect 0 '"chips":200,.*"keys":600,' birthmark lot inspect "$file" --vendor Infineon --json
expect 0 '"signatures":600,' birthmark lot inspect "$file" --vendor Infineon --json
expect 1 'its certificate E0E2: the certificate does not lead to a trusted one' birthmark lot inspect "$file" --format infineon "${ecc[@]}"
{ head -c 100000 "$file"; printf x; tail -c +100002 "$file"; } >"$HOME/changed.7z"
expect 1 damaged birthmark lot receive "$HOME/changed.7z" --vendor Infineon
expect 0 '78211223032C7EFA' birthmark lot receive "$file" --vendor Infineon
grep -qE '^noted +unsigned, label$' <<<"$said" || die "what was odd about the reel is not told: $said"
expect 0 '"lot":"78211223032C7EFA","vendor":"Infineon","chips":200' birthmark lot list --json
expect 0 0A091B5C001500070063 birthmark lot show 78211223032C7EFA --chips
expect 0 '"chip":"0A091B5C001500070063","id_source":"file-name"' birthmark lot show 78211223032C7EFA --chips --json

# the same chips under another name, or as another's: an alarm, and nothing else
expect 0 infineon birthmark vendor add Other --format infineon "${ecc[@]}" "${rsa[@]}"
before=$(birthmark lot list --json)
expect 1 'lot AGAIN, or another with the very same chips, was received before.*Recorded as alarm [0-9]+' birthmark lot receive "$file" --vendor Infineon --lot AGAIN
expect 1 'lot THEIRS, or another with the very same chips, was received before.*Recorded as alarm [0-9]+' birthmark lot receive "$file" --vendor Other --lot THEIRS
same "$before" birthmark lot list --json
expect 0 'received already: nothing was changed' birthmark lot receive "$file" --vendor Infineon --json
