#!/bin/sh
# Bring build/docs-venv up to its lock: mkdocs with its theme, which nothing that watches cameras needs.
set -eu
cd "$(dirname "$0")/../.."
venv=build/docs-venv
lock=scripts/docs/requirements.lock
wanted=$(sha256sum <"$lock")
[ "$(cat "$venv/.lock" 2>/dev/null || true)" = "$wanted" ] && exit
echo "installing what builds the documentation into $venv (half a minute, once)"
rm -rf "$venv"
.venv/bin/python -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock" || {
    echo "error: pip could not install the locked mkdocs-material" >&2
    echo "fix: see pip's message above; check network, proxy and free disk, then run again" >&2
    exit 1
}
printf '%s\n' "$wanted" >"$venv/.lock"
