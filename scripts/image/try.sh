#!/bin/sh
# try.sh [--where-possible]: build the image without a daemon or a registry of images, and try it: tests/test_image.py.
# The base is a Debian 12 of our own making with Debian's Python 3.11, not the public Python image.
# --where-possible: a machine that can build no image is no failure, an image that cannot be built is.
set -eu
where_possible=${1-}
cd "$(dirname "$0")/../.."
folder=$PWD/build/image
buildah="buildah --root $folder/root --runroot $folder/run --storage-driver vfs"
export BUILDAH_ISOLATION=chroot

cannot() {
    if [ -n "$where_possible" ]; then
        echo "tests/test_image.py skipped: $1"
        exit 0
    fi
    echo "error: $1" >&2
    echo "fix: $2" >&2
    exit 2
}

[ "$(id -u)" = 0 ] || cannot "only root may look into an image" "sudo make image-test"
unshare --mount --pid --fork --net true || cannot "the kernel gives no namespaces here" "run it on a machine of its own"
scripts/apt-install.sh buildah mmdebstrap || cannot "buildah or mmdebstrap is missing" "see above"
mkdir -p "$folder/base"
if ! $buildah inspect --type image localhost/debian-python >/dev/null 2>&1; then
    mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$folder/base/base.tar" ||
        cannot "mmdebstrap can make no Debian to build on" "see above"
    printf 'FROM scratch\nADD base.tar /\nRUN true\n' >"$folder/base/Dockerfile"
    $buildah build --quiet --tag localhost/debian-python "$folder/base" >/dev/null || cannot "buildah builds nothing" "see above"
    rm "$folder/base/base.tar"
fi
# this machine's authorities, as a site behind a proxy of its own would add them
BUILD_OPTIONS="--pull-never --volume /etc/ssl/certs/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt:ro"
export BUILD_OPTIONS
echo "building the image (two minutes); what is said: $folder/build.log"
began=$(date +%s)
if ! BUILDER=$buildah BASE=localhost/debian-python scripts/image/build.sh localhost/hingewatch >"$folder/build.log" 2>&1; then
    tail -n 20 "$folder/build.log" >&2
    echo "error: the image cannot be built" >&2
    echo "fix: see $folder/build.log" >&2
    exit 1
fi
echo "built in $(($(date +%s) - began)) s"
$buildah rmi --prune >/dev/null # the image before, 850 MB
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' edge_agent/__init__.py)
container=$($buildah from --pull-never "localhost/hingewatch:$version")
trap '$buildah rm "$container" >/dev/null' EXIT
$buildah inspect --type image "localhost/hingewatch:$version" >"$folder/inspect.json"
IMAGE_ROOT=$($buildah mount "$container") IMAGE_INSPECT=$folder/inspect.json .venv/bin/pytest tests/test_image.py -rs -s
