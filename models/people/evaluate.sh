#!/usr/bin/env bash
# Whole clips of simulated people whom nothing was trained on, watched by the whole product; used by `make evaluate`.
# Seeds 901 to 903 are never used for training. Rendering goes on where it stopped; about an hour on two cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${EVALUATE_FOLDER:-build/evaluate}
mkdir -p "$work" build
models/environment.sh "$work/venv"
for kind in "lifts 60 901" "movement 190 902" "crowd 12 903"; do
    read -r name clips seed <<<"$kind"
    "$work/venv/bin/python" models/people/clips.py "$work/clips" --kind "$name" --clips "$clips" --seed "$seed"
done
.venv/bin/edge-agent evaluate "$work/clips/labels.json" "$work/clips" --json build/evaluation.json \
    --report build/evaluation.html
