#!/bin/sh
# Build the image where there is neither a daemon nor a registry of images, and try it: tests/test_image.py. Minutes.
# The base is a Debian 12 of our own making with Debian's Python 3.11, not the public Python image.
set -eu
cd "$(dirname "$0")/../.."
scripts/apt-install.sh buildah mmdebstrap
folder=$PWD/build/image
mkdir -p "$folder/base"
buildah="buildah --root $folder/root --runroot $folder/run --storage-driver vfs"
export BUILDAH_ISOLATION=chroot

if ! $buildah inspect --type image localhost/debian-python >/dev/null 2>&1; then
    mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$folder/base/base.tar"
    printf 'FROM scratch\nADD base.tar /\n' >"$folder/base/Dockerfile"
    $buildah build --quiet --tag localhost/debian-python "$folder/base" >/dev/null
    rm "$folder/base/base.tar"
fi
# this machine's authorities, as a site behind a proxy of its own would add them
BUILD_OPTIONS="--pull-never --volume /etc/ssl/certs/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt:ro"
export BUILD_OPTIONS
began=$(date +%s)
BUILDER=$buildah BASE=localhost/debian-python scripts/image/build.sh localhost/hingewatch
echo "built in $(($(date +%s) - began)) s"
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' edge_agent/__init__.py)
container=$($buildah from --pull-never "localhost/hingewatch:$version")
trap '$buildah rm "$container" >/dev/null' EXIT
$buildah inspect --type image "localhost/hingewatch:$version" >"$folder/inspect.json"
IMAGE_ROOT=$($buildah mount "$container") IMAGE_INSPECT=$folder/inspect.json .venv/bin/pytest tests/test_image.py -rs -s
