#!/bin/sh
# Install Hingewatch on a box without containers and without network: unpack the archive there, then as root ./install.sh
# Run it again with a newer archive to update; the old version stays beside it: ln -sfn to it and restart to go back.
# DESTDIR=/some/folder installs below that folder and touches no service.
set -eu
umask 022
cd "$(dirname "$0")"

fail() {
    echo "error: $1" >&2
    echo "fix: $2" >&2
    exit 2
}

version=$(cat VERSION)
wanted=$(cat PYTHON)
root=${DESTDIR:-}
[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "only root may install" "sudo ./install.sh"
[ "$(uname -m)" = "$(cat MACHINE)" ] || fail "this archive is for $(cat MACHINE), this is $(uname -m)" "make one on such a machine"
found=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])') || fail "there is no python3" "apt-get install python3-venv"
[ "$found" = "$wanted" ] || fail "this archive is for Python $wanted, this is $found" "make one with Python $found: make archive PYTHON=..."
sha256sum --check --quiet --strict SHA256SUMS || fail "the archive is damaged or was altered" "copy it here again"

# Each version in a folder of its own and one link: an update that breaks off leaves the old one running.
home=/opt/hingewatch-$version
echo "installing $home"
rm -rf "$root$home"
python3 -m venv "$root$home" || fail "python3 cannot make virtual environments" "apt-get install python3-venv"
pip="$root$home/bin/python -m pip --disable-pip-version-check --quiet"
$pip install --no-index --find-links wheels --require-hashes --requirement requirements.lock
$pip install --no-index --no-deps wheels/hingewatch_edge_agent-*.whl
$pip uninstall --yes pip setuptools
cp -r models "$root$home/models"
mkdir -p "$root/etc/hingewatch" "$root/etc/systemd/system" "$root/usr/lib/sysusers.d"
ln -sfn "$home" "$root/opt/hingewatch"
cp hingewatch-agent.service hingewatch-bridge.service "$root/etc/systemd/system/"
cp hingewatch.conf "$root/usr/lib/sysusers.d/"
for name in site bridge; do
    [ -e "$root/etc/hingewatch/$name.yaml" ] && continue
    sed 's,^  models_dir: .*,  models_dir: /opt/hingewatch/models,' example.yaml >"$root/etc/hingewatch/$name.yaml"
done
[ -e "$root/etc/hingewatch/environment" ] || : >"$root/etc/hingewatch/environment"
chmod 600 "$root/etc/hingewatch/environment"

if [ -z "$root" ]; then
    systemd-sysusers hingewatch.conf
    chgrp hingewatch /etc/hingewatch /etc/hingewatch/*.yaml
    chmod 750 /etc/hingewatch
    chmod 640 /etc/hingewatch/*.yaml
    systemctl daemon-reload
    systemctl try-restart hingewatch-agent hingewatch-bridge
fi
cat <<'NEXT'
Next, on a box with cameras:
  edit /etc/hingewatch/site.yaml, passwords go to /etc/hingewatch/environment
  setpriv --reuid hingewatch --regid hingewatch --init-groups env HOME=/var/lib/hingewatch \
      /opt/hingewatch/bin/edge-agent doctor --config /etc/hingewatch/site.yaml
  systemctl enable --now hingewatch-agent
On the machine of the bridge: /etc/hingewatch/bridge.yaml, systemctl enable --now hingewatch-bridge
NEXT
