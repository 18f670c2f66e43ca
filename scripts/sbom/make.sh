#!/bin/sh
# make.sh OUT.json: the bill of materials of what .venv holds for a box; development tools are left out.
set -eu
out=$(realpath "$1")
cd "$(dirname "$0")/../.."
scripts/tools.sh sbom
build/sbom-venv/bin/python scripts/sbom/make.py .venv/bin/python "$out"
