#!/bin/sh
# apt-install.sh PACKAGE...: install the Debian packages that are missing; silent and offline if none is.
set -eu

missing=""
for package in "$@"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
fi
if ! command -v apt-get >/dev/null || { [ -n "$as_root" ] && ! command -v sudo >/dev/null; }; then
    echo "error: these Debian packages are missing and cannot be installed from here:$missing" >&2
    echo "fix: as root, run: apt-get install$missing" >&2
    exit 2
fi

# Brokers and servers are for the tests, which start their own: keep Debian from starting them now.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$as_root rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi

echo "installing Debian packages:$missing"
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get --quiet=2 "$@" >/dev/null; }
# shellcheck disable=SC2086  # a list of package names, split on purpose
apt update && apt install --yes --no-install-recommends $missing || {
    echo "error: apt-get could not install:$missing" >&2
    echo "fix: see the message above; check the network and /etc/apt/sources.list, then run again" >&2
    exit 2
}
