#!/bin/sh
# Bring build/k8s-venv up to its lock: kubernetes-validate, whose schemas are large, and checkov, which wants old libraries.
# By uv, which fetches side by side and links what it has fetched before; pip takes a minute of the processor for it.
set -eu
cd "$(dirname "$0")/../.."
venv=build/k8s-venv
lock=scripts/k8s/requirements.lock
wanted=$(sha256sum <"$lock")
[ "$(cat "$venv/.lock" 2>/dev/null || true)" = "$wanted" ] && exit
echo "installing what checks deploy/k8s into $venv (a minute or two, once)"
rm -rf "$venv"
.venv/bin/uv venv --quiet --python .venv/bin/python "$venv"
.venv/bin/uv pip install --quiet --python "$venv/bin/python" --require-hashes --no-deps -r "$lock" || {
    echo "error: uv could not install the locked checkov and kubernetes-validate" >&2
    echo "fix: see uv's message above; check network, proxy and free disk, then run again" >&2
    exit 1
}
printf '%s\n' "$wanted" >"$venv/.lock"
