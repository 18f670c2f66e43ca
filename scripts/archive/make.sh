#!/bin/sh
# make.sh [FOLDER]: everything for a box without network in one file, FOLDER/hingewatch-VERSION-MACHINE-pyX.Y.tar
# SIGN_KEY: an SSH key (ssh-keygen -t ed25519) to sign it with; boxes that know its public half take no other then.
set -eu
umask 022
mkdir -p "${1:-build}"
out=$(realpath "${1:-build}")
cd "$(dirname "$0")/../.."

python=.venv/bin/python
version=$($python -c 'from importlib.metadata import version; print(version("hingewatch-edge-agent"))')
pyversion=$($python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
name=hingewatch-$version-$(uname -m)-py$pyversion
folder=$out/$name
rm -rf "$folder"
mkdir -p "$folder/wheels" "$folder/models" "$folder/units"
echo "fetching what requirements.lock names (a minute)"
$python -m pip --disable-pip-version-check --quiet download --require-hashes --no-deps --only-binary=:all: \
    --requirement requirements.lock --requirement scripts/archive/requirements.lock --dest "$folder/wheels"
$python -m hatchling build --target wheel --directory "$folder/wheels" >/dev/null
.venv/bin/edge-agent models pull --quiet
# by name: who compared other networks has those beside them
needed=$($python -c 'from edge_agent import registry; print(*[registry.entry(name).file for name in registry.DEFAULT_MODELS])')
for file in $needed; do
    cp "$HOME/.cache/hingewatch/models/$file" "$folder/models/"
done
cp deploy/systemd/*.service deploy/systemd/*.timer deploy/systemd/hingewatch.conf deploy/systemd/next.txt "$folder/units/"
cp deploy/systemd/install.sh configs/example.yaml requirements.lock "$folder/"
(cd "$folder" && for own in ./wheels/hingewatch_edge_agent-*.whl; do
    printf '%s --hash=sha256:%s\n' "$own" "$(sha256sum "$own" | cut -c1-64)" >>requirements.lock
done)
scripts/sbom/make.sh "$folder/sbom.cdx.json"
printf '%s\n' "$version" >"$folder/VERSION"
printf '%s\n' "$pyversion" >"$folder/PYTHON"
uname -m >"$folder/MACHINE"
scripts/archive/seal.sh "$folder"
echo "$folder.tar ($(du -h "$folder.tar" | cut -f1))${SIGN_KEY:+, signed}"
echo "Copy it to the box, and as root: tar -xf it and run its ./install.sh, or to update: /opt/hingewatch/install.sh ARCHIVE.tar"
