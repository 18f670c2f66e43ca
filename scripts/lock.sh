#!/bin/sh
# Rewrite all hash locks, from pyproject.toml and for the benchmark. No registry's address is written into them.
set -eu
cd "$(dirname "$0")/.."

compile() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header "$@"
}

compile pyproject.toml --group dev --output-file requirements-dev.lock
compile pyproject.toml --constraints requirements-dev.lock --output-file requirements.lock
compile pyproject.toml --extra quantize --constraints requirements-dev.lock --output-file requirements-quantize.lock
compile scripts/bench/requirements.in --output-file scripts/bench/requirements.lock
compile scripts/fuzz/requirements.in --output-file scripts/fuzz/requirements.lock
compile scripts/docs/requirements.in --output-file scripts/docs/requirements.lock
compile scripts/k8s/requirements.in --output-file scripts/k8s/requirements.lock
compile --group build --constraints requirements-dev.lock --output-file requirements-build.lock
