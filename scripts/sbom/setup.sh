#!/bin/sh
# Bring build/sbom-venv up to its lock: cyclonedx-py, which is apart from what it lists.
set -eu
cd "$(dirname "$0")/../.."
venv=build/sbom-venv
lock=scripts/sbom/requirements.lock
wanted=$(sha256sum <"$lock")
[ "$(cat "$venv/.lock" 2>/dev/null || true)" = "$wanted" ] && exit
rm -rf "$venv"
.venv/bin/python -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock" || {
    echo "error: pip could not install the locked cyclonedx-bom" >&2
    echo "fix: see pip's message above; check network, proxy and free disk, then run again" >&2
    exit 1
}
printf '%s\n' "$wanted" >"$venv/.lock"
