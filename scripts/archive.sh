#!/bin/sh
# archive.sh [FOLDER]: everything for a box without network in one file, FOLDER/hingewatch-VERSION-MACHINE-pyX.Y.tar.gz
set -eu
mkdir -p "${1:-build}"
out=$(realpath "${1:-build}")
cd "$(dirname "$0")/.."

python=.venv/bin/python
version=$($python -c 'from importlib.metadata import version; print(version("hingewatch-edge-agent"))')
pyversion=$($python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
name=hingewatch-$version-$(uname -m)-py$pyversion
folder=$out/$name
rm -rf "$folder"
mkdir -p "$folder/wheels" "$folder/models"
echo "fetching what requirements.lock names (a minute)"
$python -m pip --disable-pip-version-check --quiet download --require-hashes --no-deps --only-binary=:all: \
    --requirement requirements.lock --dest "$folder/wheels"
$python -m hatchling build --target wheel --directory "$folder/wheels" >/dev/null
.venv/bin/edge-agent models pull --quiet
cp "$HOME"/.cache/hingewatch/models/*.tflite "$folder/models/"
cp deploy/systemd/* configs/example.yaml requirements.lock "$folder/"
printf '%s\n' "$version" >"$folder/VERSION"
printf '%s\n' "$pyversion" >"$folder/PYTHON"
uname -m >"$folder/MACHINE"
(cd "$folder" && find . -type f ! -name SHA256SUMS -exec sha256sum {} + >SHA256SUMS)
tar -C "$out" -czf "$out/$name.tar.gz" "$name"
rm -rf "$folder"
echo "$out/$name.tar.gz ($(du -h "$out/$name.tar.gz" | cut -f1))"
echo "Copy it to the box, unpack it there, and run its ./install.sh as root."
