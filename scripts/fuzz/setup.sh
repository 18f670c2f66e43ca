#!/bin/sh
# Bring build/fuzz-venv up to its locks: the agent's own, and the fuzzer, which has wheels for few Pythons.
set -eu
cd "$(dirname "$0")/../.."
venv=build/fuzz-venv
wanted=$(cat requirements.lock scripts/fuzz/requirements.lock | sha256sum)
[ "$(cat "$venv/.lock" 2>/dev/null || true)" = "$wanted" ] && exit
echo "installing the fuzzer into $venv (a few minutes, once)"
rm -rf "$venv"
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
    -r requirements.lock -r scripts/fuzz/requirements.lock || {
    echo "error: pip could not install the locked fuzzer" >&2
    echo "fix: see pip's message above; another Python: make fuzz PYTHON=/path/to/python3.11" >&2
    exit 1
}
printf '%s\n' "$wanted" >"$venv/.lock"
