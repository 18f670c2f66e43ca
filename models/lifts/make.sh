#!/usr/bin/env bash
# The lift model from nothing: clips of simulated people who lift and of such who do not, watched by the product, every
# bend of theirs kept, and trees trained on them. Seeded; rendering goes on where it stopped. Used by `make train`.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${TRAIN_FOLDER:-build/train}
mkdir -p "$work"
models/environment.sh "$work/venv"
recipe="lifts 60 911
movement 100 912
lifts 60 931
movement 100 932"
while read -r kind clips seed; do
    "$work/venv/bin/python" models/people/clips.py "$work/clips-$seed" --kind "$kind" --clips "$clips" --seed "$seed"
    .venv/bin/python models/lifts/bends.py "$work/clips-$seed/labels.json" "$work/clips-$seed" "models/lifts/bends-$seed.csv"
done <<<"$recipe"
"$work/venv/bin/python" models/lifts/train.py models/lifts/bends-*.csv --out edge_agent/assets
