#!/usr/bin/env bash
# Types of what simulates and trains; used by `make check`. Each folder is a program of its own, whose files import each
# other by name. PyTorch, the bodies and OpenGL are not installed where this runs: nothing is known of them.
set -euo pipefail
cd "$(dirname "$0")"
mypy="$PWD/../.venv/bin/mypy"
for folder in people spine lifts; do
    (cd "$folder" && MYPYPATH=../.. "$mypy" --config-file ../mypy.ini --cache-dir "../../.mypy_cache/$folder" ./*.py)
done
