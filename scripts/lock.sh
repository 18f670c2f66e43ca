#!/bin/sh
# Rewrite all hash locks, from pyproject.toml and for the benchmark. No registry's address is written into them.
set -eu
cd "$(dirname "$0")/.."

compile() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header "$@"
}

# OpenVINO asks for a package that reports its use to an analytics service, and works without it. It is in no lock but
# NNCF's, so whoever installs from a lock must not resolve anew: pip install --no-deps.
excludes=$(mktemp)
trap 'rm -f "$excludes"' EXIT
echo openvino-telemetry >"$excludes"

compile pyproject.toml --group dev --excludes "$excludes" --output-file requirements-dev.lock
compile pyproject.toml --constraints requirements-dev.lock --excludes "$excludes" --output-file requirements.lock
compile pyproject.toml --extra quantize --constraints requirements-dev.lock --output-file requirements-quantize.lock
compile scripts/archive/requirements.in --output-file scripts/archive/requirements.lock
compile scripts/sbom/requirements.in --output-file scripts/sbom/requirements.lock
compile scripts/bench/requirements.in --output-file scripts/bench/requirements.lock
compile scripts/fuzz/requirements.in --output-file scripts/fuzz/requirements.lock
compile scripts/docs/requirements.in --output-file scripts/docs/requirements.lock
compile scripts/k8s/requirements.in --output-file scripts/k8s/requirements.lock
compile --group build --constraints requirements-dev.lock --output-file requirements-build.lock
