#!/bin/sh
# tools.sh NAME: bring build/NAME-venv up to scripts/NAME/requirements.lock: programs of others that are no part of ours.
# By uv where the tests' set-up has brought it: it fetches side by side, and links what it has fetched before.
set -eu
cd "$(dirname "$0")/.."
venv=build/$1-venv
lock=scripts/$1/requirements.lock
wanted=$(sha256sum <"$lock")
[ "$(cat "$venv/.lock" 2>/dev/null || true)" = "$wanted" ] && exit
echo "installing the tools of scripts/$1 into $venv (a minute or two at most, once)"
rm -rf "$venv"
if [ -x .venv/bin/uv ]; then
    .venv/bin/uv venv --quiet --python .venv/bin/python "$venv"
    installer=".venv/bin/uv pip install --quiet --python $venv/bin/python"
else
    .venv/bin/python -m venv "$venv"
    installer="$venv/bin/python -m pip install --quiet --disable-pip-version-check"
fi
$installer --require-hashes --no-deps -r "$lock" || {
    echo "error: could not install what $lock names" >&2
    echo "fix: see the message above; check network, proxy and free disk, then run again" >&2
    exit 1
}
printf '%s\n' "$wanted" >"$venv/.lock"
