#!/bin/sh
# Hingewatch on a box without containers and without network. As root:
#   ./install.sh                            in an unpacked archive: install it
#   /opt/hingewatch/install.sh ARCHIVE.tar  update: the version that is here and trusted judges the archive
#   /opt/hingewatch/install.sh --rollback   go back to the version before
#   /opt/hingewatch/install.sh --judge      go back if this version tells fewer lifts; a timer asks after each update
# Each version has a folder of its own; one link says which is run. A newer one is proven before it takes over and watched
# afterwards, for a minute and then by the lifts it tells; where it does worse the version before comes back. Settings,
# certificates and outbox are left alone.
#   WATCH_S, START_S    how long it is watched (60 s), and how long it may take to become healthy first (120 s)
#   JUDGE_DAYS          after how many days without lifts enough it is no longer held against the version before (7)
#   DESTDIR, SYSTEMCTL  install below a folder and touch no service; or another program in systemctl's place
set -eu
umask 022
root=${DESTDIR:-}
etc=$root/etc/hingewatch
link=$root/opt/hingewatch
signers=$etc/allowed_signers
note=lifts.before # in a version's folder while that is held against the one before: its name, and UNKNOWN/LIFTS
systemctl=${SYSTEMCTL-$([ -n "$root" ] || echo systemctl)}

fail() {
    echo "error: $1" >&2
    echo "fix: $2" >&2
    exit 2
}

# alone [OPTION]: nobody else of us moves the link meanwhile
alone() {
    exec 9>"$root/opt/.hingewatch.lock"
    flock "$@" 9
}

# verify FOLDER: it holds what its maker put there, that and nothing else
verify() (
    cd "$1"
    if [ -e "$signers" ]; then
        [ -e SHA256SUMS.sig ] || fail "the archive is not signed, and $signers says who may sign" "get a signed one"
        command -v ssh-keygen >/dev/null || fail "there is no ssh-keygen to check the signature" "apt-get install openssh-client"
        ssh-keygen -Y verify -f "$signers" -I hingewatch -n hingewatch-archive -s SHA256SUMS.sig <SHA256SUMS >/dev/null 2>&1 ||
            fail "the archive is signed by nobody whom $signers names" "get it from who may sign it, or add their key"
    fi
    sha256sum --check --quiet --strict SHA256SUMS || fail "the archive is damaged or was altered" "copy it here again"
    held=$(find . ! -type d ! -path ./SHA256SUMS ! -path ./SHA256SUMS.sig | LC_ALL=C sort)
    [ "$held" = "$(cut -c67- SHA256SUMS | LC_ALL=C sort)" ] || fail "the archive holds files that are not its own" "copy it here again"
)

# as_service COMMAND...: as the user that the services run as, in a folder that this user may be in
as_service() (
    cd /
    if [ -n "$root" ]; then
        HOME=$root/var/lib/hingewatch "$@"
    else
        setpriv --reuid hingewatch --regid hingewatch --init-groups env HOME=/var/lib/hingewatch "$@"
    fi
)

# build HOME: the version of the archive that we are in, in a folder of its own
build() {
    rm -rf "$1"
    python3 -m venv --without-pip "$1"
    # the archive's own pip, from its wheel: the box need not have one, and the version is left without
    "$1/bin/python" "$(echo wheels/pip-*.whl)/pip" --disable-pip-version-check --quiet \
        install --no-compile --no-index --no-deps --find-links wheels --require-hashes --requirement requirements.lock
    "$1/bin/python" -m compileall -q -j 0 "$1/lib" || fail "a part of the version cannot be compiled" "copy it here again"
    cp -r models units install.sh sbom.cdx.json "$1/"
    chmod -R u=rwX,go=rX "$1/models" # whoever made the archive may keep files to themselves; the service is another user
}

# settle: the user, the folders and the settings; what is there already is left as it is
settle() {
    mkdir -p "$etc" "$root/etc/systemd/system" "$root/usr/lib/sysusers.d" "$root/var/lib/hingewatch"
    for file in site bridge; do
        [ -e "$etc/$file.yaml" ] && continue
        sed 's,^  models_dir: .*,  models_dir: /opt/hingewatch/models,' example.yaml >"$etc/$file.yaml"
    done
    [ -e "$etc/environment" ] || : >"$etc/environment"
    chmod 600 "$etc/environment"
    [ -z "$root" ] || return 0
    systemd-sysusers "$PWD/units/hingewatch.conf"
    chown hingewatch:hingewatch /var/lib/hingewatch
    chmod 700 /var/lib/hingewatch
    chgrp hingewatch "$etc" "$etc"/*.yaml
    chmod 750 "$etc"
    chmod 640 "$etc"/*.yaml
}

# prove HOME: with this box's settings and on its devices its models answer rightly; this compiles them too
prove() {
    trying=$(mktemp -d)
    sed "s,/opt/hingewatch/models,$1/models," "$etc/site.yaml" >"$trying/site.yaml"
    [ -n "$root" ] || chown -R hingewatch "$trying"
    as_service "$1/bin/edge-agent" models test --config "$trying/site.yaml" && proven=yes || proven=no
    rm -rf "$trying"
    [ "$proven" = yes ]
}

# point_to NAME: from now on this version is run; one rename, so that at every moment one is
point_to() {
    ln -sfn "$1" "$link.new"
    mv -T "$link.new" "$link"
    for unit in "$link/units/"*.service "$link/units/"*.timer; do
        [ ! -e "$unit" ] || cp "$unit" "$root/etc/systemd/system/" # an older version has no timer
    done
    cp "$link/units/hingewatch.conf" "$root/usr/lib/sysusers.d/"
    [ -z "$systemctl" ] || $systemctl daemon-reload
    ask_again
}

# ask_again: the timer is on while the version that is run is held against the one before
ask_again() {
    [ -n "$systemctl" ] || return 0
    [ -e "$link/$note" ] && switch=enable || switch=disable
    $systemctl "$switch" --quiet --now hingewatch-judge.timer || echo "note: hingewatch-judge.timer: cannot $switch" >&2
}

# running: which of agent and bridge are
running() {
    [ -n "$systemctl" ] || return 0
    for part in agent bridge; do
        if $systemctl is-active --quiet "hingewatch-$part"; then echo "$part"; fi
    done
}

# ask HOME PART OPTION...: whether this part is healthy, by HOME's program, for an older one cannot ask
ask() {
    case $2 in agent) file=site ;; *) file=bridge ;; esac
    program=$1/bin/edge-agent part=$2
    shift 2
    as_service "$program" healthy "$part" --config "$etc/$file.yaml" "$@"
}

# restart_and_watch HOME PARTS: whether all come up again, stay, and see the cameras that were seen before
restart_and_watch() {
    for part in $2; do $systemctl restart "hingewatch-$part"; done
    for part in $2; do
        [ "$part" = agent ] && seen=$cameras || seen=
        ask "$1" "$part" --within-s "${START_S:-120}" --for-s "${WATCH_S:-60}" --cameras "$seen" || return 1
    done
}

# note_lifts HOME: what the lifts of this version will be held against, those of the one that still runs. Where that is
# itself held against an earlier one, then against that: many small steps must not go unseen.
note_lifts() {
    told=
    [ ! -e "$link/$note" ] || read -r _ told <"$link/$note" || :
    [ -n "$told" ] || told=$(as_service "$1/bin/edge-agent" lifts --config "$etc/site.yaml" 2>/dev/null) || told=
    if [ -n "$told" ]; then
        echo "$before $told" >"$1/$note"
    else
        echo "note: $before does not say how many lifts it told: those of ${1##*/} are not held against them" >&2
    fi
}

# go_back NAME: the version before is run again; what called this has said why
go_back() {
    trap : HUP INT TERM # not '': what is started here would ignore them for ever
    echo "going back to $1" >&2
    point_to "$1"
    WATCH_S=0 cameras=
    restart_and_watch "$home" "$parts" || echo "error: $1 does not become healthy again either" >&2
    rm -rf "$home"
    echo "fix: the old version runs; see the log above: journalctl -u 'hingewatch-*'" >&2
    exit 1
}

take_over() {
    alone
    before=$(readlink "$link" || true)
    before=${before##*/}
    parts=$(running)
    cameras=
    case $parts in *agent*) cameras=$(ask "$home" agent 2>/dev/null | sed -n 's/.*cameras seen: //p') ;; esac
    if [ -n "$before" ]; then
        case $parts in *agent*) note_lifts "$home" ;; esac
        trap 'echo "error: the update was interrupted" >&2; go_back "$before"' HUP INT TERM
    fi
    point_to "$name"
    if ! restart_and_watch "$home" "$parts"; then
        [ -n "$before" ] || exit 1
        echo "error: $name does not do what $before did" >&2
        go_back "$before"
    fi
    trap - HUP INT TERM
    if [ -n "$before" ]; then
        ln -sfn "$before" "$link.previous"
        rm -f "$root/opt/$before/$note" # what it was held against is removed now
    fi
    for old in "$link"-*; do
        case ${old##*/} in "$name" | "$before") ;; *) rm -rf "$old" ;; esac
    done
    [ ! -e "$home/$note" ] || judge
}

# judge: what the lifts say of the version that runs. Whoever cannot be asked is asked again, for some days.
judge() {
    [ -e "$link/$note" ] || return 0
    home=$(readlink -f "$link")
    name=${home##*/}
    before='' told=''
    read -r before told <"$link/$note" || :
    said=$(as_service "$home/bin/edge-agent" lifts --config "$etc/site.yaml" --before "$told") || said=unasked
    echo "$name instead of ${before:-?}: $said"
    case $said in
    worse*) give_way ;;
    waits* | unasked) wait_on ;;
    *) decided ;;
    esac
}

# decided: this version is no longer held against the one before
decided() {
    rm -f "$home/$note"
    ask_again
}

wait_on() {
    if [ -n "$(find "$home/$note" -mmin "+$((${JUDGE_DAYS:-7} * 1440))")" ]; then
        echo "note: after ${JUDGE_DAYS:-7} days that is given up: $name stays, its lifts were not held against $before's"
        decided
    elif [ "$said" = unasked ]; then
        fail "its lifts cannot be asked for" "see above; they are asked for again. To give it up: rm $link/$note"
    fi
}

give_way() {
    [ -x "$root/opt/$before/bin/edge-agent" ] || fail "there is no $before to go back to" "install an archive; rm $link/$note"
    parts=$(running)
    echo "error: of the lifts that $name sees more are unknown than with $before" >&2
    [ "$(readlink "$link.previous" || true)" != "$before" ] || rm -f "$link.previous"
    go_back "$before"
}

install_this() {
    [ "$(uname -m)" = "$(cat MACHINE)" ] || fail "this archive is for $(cat MACHINE), this is $(uname -m)" "make one on such a machine"
    found=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])') || fail "there is no python3" "apt-get install python3"
    [ "$found" = "$(cat PYTHON)" ] || fail "this archive is for Python $(cat PYTHON), this is $found" "make one with Python $found: make archive PYTHON=..."
    verify .
    [ -e "$signers" ] || echo "note: there is no $signers, so whoever brings an archive is believed"
    name=hingewatch-$(cat VERSION)-$(sha256sum SHA256SUMS | cut -c1-8)
    home=$root/opt/$name
    if [ "$(readlink "$link" || true)" = "$name" ]; then
        echo "$name is what runs already"
        return
    fi
    echo "installing $home"
    mkdir -p "$root/opt"
    build "$home"
    settle
    if ! prove "$home"; then
        rm -rf "$home"
        fail "$name does not pass its self-test here; nothing was changed" "see the message above"
    fi
    take_over
    echo "$name runs${parts:+, watched and found well}"
}

# The archive is unpacked beside the versions, for /tmp may be small, and judged by us before anything of it is run.
install_archive() {
    [ -f "$1" ] || fail "there is no archive $1" "give the .tar that make archive made, or --rollback"
    unpacked=$(mktemp -d "$root/opt/.hingewatch-XXXXXX")
    trap 'rm -rf "$unpacked"' EXIT
    tar -C "$unpacked" --no-same-owner -xf "$1" || fail "$1 cannot be unpacked" "copy it here again"
    set -- "$1" "$unpacked"/*
    if [ $# != 2 ] || [ ! -d "$2" ] || [ -L "$2" ]; then
        fail "$1 is no archive of ours" "give the .tar that make archive made"
    fi
    verify "$2"
    trap : HUP INT TERM # its own affair
    "$2/install.sh"
}

roll_back() {
    alone
    before=$(readlink "$link.previous") || fail "there is no version before this one" "install an archive"
    now=$(readlink "$link")
    parts=$(running)
    cameras=
    rm -f "$root/opt/$now/$note" "$root/opt/$before/$note" # a person has decided
    point_to "$before"
    ln -sfn "$now" "$link.previous"
    echo "$before runs, and no longer $now"
    restart_and_watch "$root/opt/$now" "$parts" || exit 1
}

[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "only root may install" "sudo $0"
case ${1-} in
--rollback) roll_back ;;
--judge) if alone --nonblock; then judge; fi ;; # else an update is at it
'')
    cd "$(dirname "$0")"
    [ -e SHA256SUMS ] || fail "this is no unpacked archive" "give one: $0 ARCHIVE.tar"
    first=$([ -e "$link" ] || echo yes)
    install_this
    [ -z "$first" ] || cat units/next.txt
    ;;
*) install_archive "$1" ;;
esac
