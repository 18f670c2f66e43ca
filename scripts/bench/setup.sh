#!/bin/sh
# Bring build/mediapipe-venv up to its lock: MediaPipe wants an older NumPy than the agent, so it lives apart.
set -eu
cd "$(dirname "$0")/../.."
venv=build/mediapipe-venv
lock=scripts/bench/requirements.lock

find_python() {
    for candidate in "${PYTHON:-python3}" python3.12 python3.11; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
            2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "error: the comparison needs Python 3.11 or 3.12: MediaPipe 0.10.21 has no wheel for any newer one" >&2
    echo "fix: install it, or name it: make bench PYTHON=/path/to/python3.12" >&2
    echo "     the agent's own figures need no MediaPipe: .venv/bin/edge-agent bench VIDEO" >&2
    exit 2
}

wanted=$(sha256sum <"$lock")
[ "$(cat "$venv/.lock" 2>/dev/null || true)" = "$wanted" ] && exit
python=$(find_python)
echo "installing MediaPipe into $venv (a few minutes, once)"
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock" || {
    echo "error: pip could not install the locked MediaPipe" >&2
    echo "fix: see pip's message above; check network, proxy and free disk, then run again" >&2
    exit 1
}
# its OpenCV wants two libraries that a server without a screen may lack
"$venv/bin/python" -c 'import cv2' 2>/dev/null || scripts/apt-install.sh libgl1 libglib2.0-0
printf '%s\n' "$wanted" >"$venv/.lock"
