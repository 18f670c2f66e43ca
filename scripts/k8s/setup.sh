#!/bin/sh
# Bring build/k8s-venv up to its lock: kubernetes-validate, whose schemas are large, and checkov, which wants old libraries.
set -eu
cd "$(dirname "$0")/../.."
venv=build/k8s-venv
lock=scripts/k8s/requirements.lock
wanted=$(sha256sum <"$lock")
[ "$(cat "$venv/.lock" 2>/dev/null || true)" = "$wanted" ] && exit
echo "installing what checks deploy/k8s into $venv (a minute or two, once)"
rm -rf "$venv"
.venv/bin/python -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock" || {
    echo "error: pip could not install the locked checkov and kubernetes-validate" >&2
    echo "fix: see pip's message above; check network, proxy and free disk, then run again" >&2
    exit 1
}
printf '%s\n' "$wanted" >"$venv/.lock"
