#!/bin/sh
# build.sh [NAME]: the image NAME:VERSION, by whichever of podman, docker and buildah is here
# BASE, DRIVERS: as in deploy/Dockerfile. BUILDER, BUILD_OPTIONS: another builder, and options of its own.
set -eu
cd "$(dirname "$0")/../.."
name=${1:-hingewatch}
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' edge_agent/__init__.py)
for builder in "${BUILDER:-podman}" docker buildah none; do
    command -v "${builder%% *}" >/dev/null && break
done
if [ "$builder" = none ]; then
    echo "error: neither podman nor docker nor buildah is here to build an image" >&2
    echo "fix: apt-get install buildah" >&2
    exit 2
fi
# OCI's own format has no health check
case $builder in docker*) format= ;; *) format="--format docker" ;; esac
# shellcheck disable=SC2086  # options, split on purpose
$builder build $format --file deploy/Dockerfile --tag "$name:$version" --build-arg "VERSION=$version" \
    --build-arg "REVISION=$(git rev-parse HEAD)" ${BASE:+--build-arg "BASE=$BASE"} \
    ${DRIVERS:+--build-arg "DRIVERS=$DRIVERS"} ${BUILD_OPTIONS-} .
