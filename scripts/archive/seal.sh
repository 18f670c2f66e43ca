#!/bin/sh
# seal.sh FOLDER: list its files' hashes, sign the list where SIGN_KEY is given, and make FOLDER.tar of it.
# Not packed: wheels and networks are, nearly all of it.
set -eu
folder=$1
(cd "$folder" && find . -type f ! -name 'SHA256SUMS*' -exec sha256sum {} + >SHA256SUMS)
[ -z "${SIGN_KEY:-}" ] || ssh-keygen -q -Y sign -f "$SIGN_KEY" -n hingewatch-archive "$folder/SHA256SUMS"
tar -C "$(dirname "$folder")" -cf "$folder.tar" "$(basename "$folder")"
rm -rf "$folder"
