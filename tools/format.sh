#!/bin/sh
# format.sh - are all C files as .clang-format says?  exit 0 yes, 1 no (which), 77 cannot be said
#
# The text is kept by clang-format 14, the one of Debian 12. Later versions lay out a few constructs otherwise, so where one of
# them finds a difference, that says nothing; where it finds none, all is well.
set -eu
cd "$(dirname "$0")/.."
command -v clang-format >/dev/null || { echo "clang-format is not installed"; exit 77; }
version=$(clang-format --version | sed -n 's/.*version \([0-9]*\).*/\1/p')
files=$(find . \( -name .git -o -name 'build*' -o -name var \) -prune -o -name '*.[ch]' -print | sort)
[ -n "$files" ] || exit 0
# shellcheck disable=SC2086 # one word a file: our names have no blanks
if found=$(clang-format --dry-run --Werror $files 2>&1); then exit 0; fi
if [ "$version" != 14 ]; then
    echo "clang-format $version would lay out some files otherwise; only version 14 (Debian 12) can judge"
    exit 77
fi
echo "$found" | sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: error.*/\1/p' | sort -u | sed 's/$/ is not as clang-format -i would leave it/'
exit 1
