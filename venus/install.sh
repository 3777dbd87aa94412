#!/bin/sh
# Installs Phaeton on a GX device (Venus OS), renews it, takes it out again. docs/install.md tells it step by step.
#
#   install.sh FILE               from a bundle, phaeton-VERSION-venus-ARCH.tar.gz with SHA256SUMS beside it
#   install.sh FOLDER             from the bundle for this device in a folder, such as a USB stick
#   install.sh --release [VERSION] --repository OWNER/NAME
#                                 from a release on GitHub, the newest where none is named
#   install.sh                    look after an installation that is there: service, start at boot
#   install.sh --check            say whether this device can have it, and change nothing
#   install.sh --back             the forerunner that was here before runs again
#   install.sh --uninstall        take everything out; asks about configuration and data
#
#   --charger ADDRESS             the charger's address, for a device that has no configuration yet
#   --config FILE                 a whole configuration, likewise
#   --keep-data, --yes            answers for --uninstall: keep configuration and data, or remove them, unasked
#   --force                       an older version than the one that runs, or a firmware that was never tried
#   --unsigned                    a release whose signature cannot be checked here; the checksum still must fit
#
# It needs nothing but a POSIX shell with the programs of busybox. Each change is one rename: whenever the power is cut,
# what ran before runs afterwards, or the new one does. ROOT is put before all paths, for tries in another folder.
set -eu
umask 022

root=${ROOT:-}
data=$root/data
home=$data/phaeton
config=$data/phaeton_config.yaml
rc=$data/rc.local
service=$root/service/phaeton
log=$root/var/log/phaeton
before=$home/forerunner              # what is needed to go back to a forerunner
python_forerunner=$data/victron-alfen-charger

oldest_firmware=3.10                 # older ones were never tried
expansion=5                          # how much larger than a bundle its content is, at most
spare_kb=20000                       # kept free on the disk
begin='# >>> phaeton >>> from install.sh, which takes it out again'
made='# (this file was made for it, and goes with it)'
end='# <<< phaeton <<<'
taken='#phaeton# '                   # before a line that started a forerunner

changed=

say() { echo "$*"; }

change() {  # something is different now
    changed=yes
    say "$*"
}

refuse() {
    echo "install.sh: $*" >&2
    exit 1
}

usage() {
    awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$self" >&2
    exit 2
}

# --- what this machine is

need_root() { [ "$(id -u)" = 0 ] || refuse "only root can do this: log in as root, or use sudo"; }

check_machine() {
    need_root
    [ -f "$root/opt/victronenergy/version" ] ||
        refuse "this is no Venus OS; on another machine use pipx, uv or the container (docs/install.md)"
    read -r firmware <"$root/opt/victronenergy/version"
    if ! at_least "$firmware" "$oldest_firmware" && [ -z "$force" ]; then
        refuse "the firmware is $firmware, and v$oldest_firmware or newer is needed: update it first"
    fi
    if modifications_disabled; then
        refuse "modifications are disabled on this device, so nothing of your own starts at boot: enable them in" \
            "Settings > General > Modification checks, restart the device, and install again"
    fi
    [ ! -e "$home" ] || [ -d "$home" ] ||
        refuse "$home is a file, perhaps a forerunner's program, and has to be a folder: move it elsewhere first" \
            "(and correct the line in $rc that starts it)"
}

at_least() {  # at_least v3.60~12 3.10
    awk -v this="$1" -v least="$2" 'BEGIN {
        sub(/^v/, "", this); split(this, a, /[.~-]/); split(least, b, ".")
        exit !(a[1] + 0 > b[1] + 0 || (a[1] + 0 == b[1] + 0 && a[2] + 0 >= b[2] + 0))
    }'
}

modifications_disabled() {  # Venus OS renames the files, and remembers it in a setting
    [ -e "$rc.disabled" ] || [ -e "$data/rcS.local.disabled" ] ||
        grep -q '<AllModificationsEnabled[^>]*>0<' "$data/conf/settings.xml" 2>/dev/null
}

architecture() {
    case $(uname -m) in
        armv7l | armv8l) echo armv7 ;;
        aarch64 | arm64) echo aarch64 ;;
        *) uname -m ;;
    esac
}

# --- versions

newer() {  # newer THIS OTHER, in the order of phaeton/updates/version.py
    awk -v this="$1" -v other="$2" '
        function order(v, out,    release, stage, word, parts, n, i) {
            sub(/^v/, "", v)
            sub(/\+[A-Za-z0-9.-]+$/, "", v)
            if (v !~ /^[0-9]+(\.[0-9]+)*([-._]?(dev|alpha|beta|pre|rc|a|b)[-._]?[0-9]*)?$/) return 0
            match(v, /^[0-9]+(\.[0-9]+)*/)
            release = substr(v, 1, RLENGTH)
            stage = substr(v, RLENGTH + 1)
            n = split(release, parts, ".")
            if (n > 4) return 0
            for (i = 1; i <= 4; i++) out[i] = parts[i] + 0
            out[5] = 4
            out[6] = 0
            if (stage != "") {
                gsub(/[-._]/, "", stage)
                match(stage, /^[a-z]+/)
                word = substr(stage, 1, RLENGTH)
                out[6] = substr(stage, RLENGTH + 1) + 0
                out[5] = word == "dev" ? 0 : word ~ /^a/ ? 1 : word ~ /^b/ ? 2 : 3
            }
            return 1
        }
        BEGIN {
            if (!order(this, a)) exit 1
            if (!order(other, b)) exit 0
            for (i = 1; i <= 6; i++) if (a[i] != b[i]) exit !(a[i] > b[i])
            exit 1
        }'
}

works() { [ -n "$1" ] && [ -x "$home/versions/$1/bin/phaeton" ]; }

current_version() {
    found=$(readlink "$home/current" 2>/dev/null) || return 0
    works "${found##*/}" && echo "${found##*/}"
    return 0
}

show() {  # show NAME VERSION: let a link show to a version
    rm -f "$home/.$1.new"
    ln -s "versions/$2" "$home/.$1.new"
    mv -T "$home/.$1.new" "$home/$1" 2>/dev/null || { rm -f "$home/$1" && mv "$home/.$1.new" "$home/$1"; }
}

put() {  # put FILE MODE <CONTENT: whole or not at all, and only where it is not so already
    cat >"$1.new"
    chmod "$2" "$1.new"
    if cmp -s "$1.new" "$1" && { [ ! -x "$1.new" ] || [ -x "$1" ]; }; then
        rm -f "$1.new"
        return
    fi
    mv "$1.new" "$1"
    changed=yes
}

# --- from a release

fetch() {  # fetch ADDRESS FILE
    if command -v curl >/dev/null 2>&1; then
        curl -fsSL --retry 2 --connect-timeout 30 -o "$2" "$1"
    else
        wget -q -O "$2" "$1"
    fi
}

fetch_release() {  # sets bundle
    case $repository in
        http://* | https://*) address=$repository ;;
        ?*/?*) address=https://github.com/$repository ;;
        *) refuse "where are the releases? Say --repository OWNER/NAME" ;;
    esac
    if [ -n "$wanted" ]; then
        address=$address/releases/download/v${wanted#v}
    else
        address=$address/releases/latest/download
    fi
    arch=$(architecture)
    rm -rf "$home/download"
    mkdir -p "$home/download"
    fetch "$address/SHA256SUMS" "$home/download/SHA256SUMS" || refuse "$address/SHA256SUMS cannot be fetched"
    name=$(awk -v end="-venus-${arch}[.]tar[.]gz\$" '
        { sub(/^\*/, "", $2) }
        $2 ~ "^phaeton-[A-Za-z0-9][A-Za-z0-9.+_-]*" end { print $2; exit }' "$home/download/SHA256SUMS")
    [ -n "$name" ] || refuse "this release has no bundle for $arch"
    bundle=$home/download/$name
    parts_of "$name"
    if [ "$version" = "$(current_version)" ]; then
        return
    fi
    say "fetching $name"
    fetch "$address/$name" "$bundle" || refuse "$address/$name cannot be fetched"
    fetch "$address/SHA256SUMS.minisig" "$home/download/SHA256SUMS.minisig" 2>/dev/null ||
        rm -f "$home/download/SHA256SUMS.minisig"
}

# --- a bundle

parts_of() {  # sets version and made_for by the name of a bundle
    case $1 in
        phaeton-*-venus-*.tar.gz) ;;
        *) refuse "$1 is no bundle: it must be named phaeton-VERSION-venus-ARCH.tar.gz" ;;
    esac
    version=${1#phaeton-}
    made_for=${version##*-venus-}
    made_for=${made_for%.tar.gz}
    version=${version%-venus-*}
    case $version in [!A-Za-z0-9]* | *[!A-Za-z0-9.+_-]*) refuse "$version is no version" ;; esac
}

bundle_in() {  # the one for this device
    found=
    for file in "$1"/phaeton-*-venus-"$(architecture)".tar.gz; do
        [ -f "$file" ] || continue
        [ -z "$found" ] || refuse "$1 has several bundles for this device: name one"
        found=$file
    done
    [ -n "$found" ] || refuse "$1 has no bundle for this device ($(architecture))"
    echo "$found"
}

check_bundle() {
    [ "$made_for" = "$(architecture)" ] || refuse "${bundle##*/} is for $made_for, and this device is $(architecture)"
    [ -f "$bundle" ] || refuse "there is no file $bundle"
    sums=$(dirname "$bundle")/SHA256SUMS
    [ -f "$sums" ] || refuse "SHA256SUMS of the release must lie beside ${bundle##*/}"
    expected=$(awk -v name="${bundle##*/}" '{ sub(/^\*/, "", $2) } $2 == name { print tolower($1); exit }' "$sums")
    [ -n "$expected" ] || refuse "${bundle##*/} is not in SHA256SUMS"
    found=$(sha256sum <"$bundle")
    [ "${found%% *}" = "$expected" ] ||
        refuse "${bundle##*/} is damaged or was changed: its checksum is not that of SHA256SUMS. Fetch it again"
    size=$(wc -c <"$bundle")
    needed=$((size * expansion / 1024 + spare_kb))
    free=$(df -Pk "$data" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$needed" ] || refuse "$((needed / 1000)) MB are needed in $data, and $((free / 1000)) MB are free"
}

unpack() {  # into versions/VERSION, whole or not at all
    beside=$home/versions/.$version.new
    rm -rf "$beside"
    mkdir -p "$beside"
    say "unpacking ${bundle##*/}"
    tar -xzf "$bundle" -C "$beside" || drop "it cannot be unpacked"
    [ -x "$beside/bin/phaeton" ] || drop "it has no program bin/phaeton"
    "$beside/bin/phaeton" update verify "$beside" >/dev/null || drop "what was unpacked is not what was made"
    check_signature
    sync
    rm -rf "$home/versions/${version:?}"
    mv "$beside" "$home/versions/$version"
    changed=yes
}

check_signature() {
    if [ -n "$unsigned" ]; then
        say "the signature is not checked, as you said"
    elif [ -f "$(dirname "$bundle")/SHA256SUMS.minisig" ]; then
        # The version that is trusted already is the better judge; the first one can only speak for itself.
        judge=$(current_version)
        judge=${judge:+$home/versions/$judge}
        "${judge:-$beside}/bin/phaeton" update verify "$bundle" --place "$home" >/dev/null ||
            drop "it is not signed by somebody who is trusted here (--unsigned goes without)"
        say "the signature is right${judge:+, says the version that runs now}"
    else
        say "SHA256SUMS.minisig is not there: the checksum fits, but nobody says who made it"
    fi
}

drop() {
    rm -rf "$beside"
    refuse "${bundle##*/}: $*"
}

# --- rc.local: one marked block, and marks before the lines that started a forerunner

edited() {  # edited on|off|list: rc.local with our block and marks, without them, or the lines that start a forerunner
    last=
    [ -s "$rc" ] && [ -n "$(tail -c 1 "$rc")" ] && last=no
    awk -v want="$1" -v begin="$begin" -v made="$2" -v line="$start" -v end="$end" -v taken="$taken" -v last="$last" '
        function out(text) { if (lines++) printf "\n"; printf "%s", text }
        function block() {
            placed = 1
            if (want != "on") return
            out(begin)
            if (made != "") out(made)
            out(line)
            out(end)
        }
        function starts_forerunner(text) {
            if (text ~ /^[ \t]*#/) return 0
            return index(text, "/data/phaeton/phaeton") || index(text, "/data/victron-alfen-charger") ||
                index(text, "/data/alfen-venv") || text ~ /^[ \t]*[.]\/phaeton([ \t&>]|$)/ ||
                text ~ /(^|[;&| \t])cd[ \t]+[^ ;&|]*\/data\/phaeton\/?"?[ \t]*($|[;&|])/
        }
        NR == 1 && /^#!/ { if (want != "list") out($0); block(); next }
        NR == 1 { block() }
        $0 == begin { own = 1; next }
        own { if ($0 == end) own = 0; next }
        want == "list" { if (starts_forerunner($0)) print; next }
        want == "off" && index($0, taken) == 1 { out(substr($0, length(taken) + 1)); next }
        want == "on" && starts_forerunner($0) { out(taken $0); next }
        { out($0) }
        END { if (!placed) block(); if (lines && last == "") printf "\n" }' "$rc"
}

check_boot() {  # refuse what cannot be edited, before anything is done
    [ -e "$rc" ] || return 0
    read -r first <"$rc" || [ -n "$first" ] || return 0
    case $first in
        '#!'*sh*) ;;
        '#!'*) refuse "$rc is no shell script: let it call one that starts what you need, and install again" ;;
    esac
    [ -x "$rc" ] ||
        refuse "$rc is not executable, so nothing in it runs at boot: make it executable (chmod +x $rc) or remove it"
    edited on "" >"$data/.rc.local.new"
    if sh -n "$rc" 2>/dev/null && ! sh -n "$data/.rc.local.new" 2>/dev/null; then
        rm -f "$data/.rc.local.new"
        refuse "take what starts the forerunner out of $rc by hand: it cannot be done line by line"
    fi
    rm -f "$data/.rc.local.new"
}

enter_boot() {  # the instant from which on a boot starts Phaeton, and no forerunner
    if [ ! -e "$rc" ]; then
        sync
        put "$rc" 755 <<END
#!/bin/sh
$begin
$made
$start
$end
END
        say "$rc is made: it starts Phaeton at boot"
        return
    fi
    own=
    ! grep -qxF "$made" "$rc" || own=$made
    replace_boot on "$own" "starts Phaeton at boot"
}

leave_boot() {
    [ -e "$rc" ] || return 0
    if grep -qxF "$made" "$rc" && [ "$(edited off "")" = '#!/bin/sh' ]; then
        rm -f "$rc"
        change "$rc is removed: it was made for Phaeton"
        return
    fi
    replace_boot off "" "is as it was before"
}

replace_boot() {  # replace_boot on|off MADE WORDS; owner and mode stay
    cp -p "$rc" "$data/.rc.local.new"
    edited "$1" "$2" >"$data/.rc.local.new"
    if cmp -s "$data/.rc.local.new" "$rc"; then
        rm -f "$data/.rc.local.new"
        return
    fi
    sync
    mv "$data/.rc.local.new" "$rc"
    change "$rc $3"
}

# --- a forerunner

is_here() {  # is_here rust|python: its program is on this device
    if [ "$1" = rust ]; then [ -f "$home/phaeton" ]; else [ -d "$python_forerunner" ]; fi
}

pids_of() {  # pids_of rust|python
    is_here "$1" || return 0
    if [ "$1" = rust ]; then
        # shellcheck disable=SC2012 # one ls for hundreds of processes; the names are those of this script
        ls -l /proc/[0-9]*/exe 2>/dev/null | sed -n "s#.*/proc/\([0-9]*\)/exe -> $home/phaeton\( (deleted)\)*\$#\1#p"
        return
    fi
    for process in /proc/[0-9]*; do
        words=  # read leaves the NULs between them out
        { read -r words <"$process/cmdline" || :; } 2>/dev/null
        case $words in
            *"$python_forerunner/main.py"*) echo "${process#/proc/}" ;;
            *main.py*) [ "$(readlink "$process/cwd")" != "$python_forerunner" ] || echo "${process#/proc/}" ;;
        esac
    done
}

services_of() {  # services_of rust|python: what an owner made of them in /service
    is_here "$1" || return 0
    where=$home/phaeton
    [ "$1" = rust ] || where=$python_forerunner
    grep -lF "$where" "$root"/service/*/run 2>/dev/null | sed 's#/run$##' | grep -vxF "$service" || :
}

find_forerunner() {  # sets kind: rust, python, or nothing where none is in use
    kind=
    lines=
    [ ! -e "$rc" ] || lines=$(edited list "")
    case $lines in
        *victron-alfen-charger* | *alfen-venv*) kind=python ;;
        ?*) kind=rust ;;
    esac
    for one in rust python; do
        [ -n "$kind" ] || [ -z "$(pids_of $one)$(services_of $one)" ] || kind=$one
    done
    [ -z "$kind" ] || say "a forerunner is in use here ($kind): Phaeton takes its place"
}

prepare_forerunner() {  # all that can be done while it still runs, and is still the one that a boot starts
    [ ! -f "$before/kind" ] || return 0  # it has been done, and somebody started the forerunner again
    mkdir -p "$before"
    program=$home/versions/$version/bin/phaeton
    if [ "$kind" = python ]; then
        take_over_file "$python_forerunner/alfen_driver_config.yaml" "$data/alfen_driver_config.json"
    elif [ -f "$config" ]; then
        why=$("$program" config check -c "$config" 2>&1) ||
            refuse "$config cannot be taken over; the forerunner runs on, and nothing was changed: $why"
        put "$before/phaeton_config.yaml" 600 <"$config"
        : >"$before/unfinished"
    fi
    sync
    put "$before/kind" 644 <<END
$kind
END
}

migrate() { "$program" config migrate "$@" 2>&1; }  # what became of each key is for the owner to read

take_over_file() {  # take_over_file CONFIGURATION STATE: as our configuration, where there is none yet
    if [ -f "$config" ] || [ ! -f "$1" ]; then
        return 0
    fi
    rm -f "$data/.phaeton_config.new"
    if [ -f "$2" ] && migrate "$1" --state "$2" --output "$data/.phaeton_config.new"; then
        say "its configuration and what it was set to last are taken over"
    elif rm -f "$data/.phaeton_config.new" && migrate "$1" --output "$data/.phaeton_config.new"; then
        say "its configuration is taken over"
    else
        refuse "$1 cannot be taken over; the forerunner runs on, and nothing was changed"
    fi
    sync
    mv "$data/.phaeton_config.new" "$config"
}

stop_forerunner() {
    for folder in $(services_of "$1"); do
        stop_service "$folder"
        change "the forerunner's service $folder is stopped"
    done
    tries=0
    while pids=$(pids_of "$1") && [ -n "$pids" ]; do
        tries=$((tries + 1))
        [ "$tries" -le 50 ] || refuse "the forerunner does not end (processes $pids): restart the device"
        # shellcheck disable=SC2086 # several numbers
        kill $pids 2>/dev/null || :
        pause
        [ "$tries" -gt 1 ] || change "the forerunner is stopped"
    done
}

finish_forerunner() {  # what the running forerunner would not have understood; a cut before this is made up for later
    [ -f "$before/unfinished" ] || return 0
    program=$home/versions/$version/bin/phaeton
    state=$data/phaeton_state.json
    if [ -f "$config" ]; then
        if [ -f "$state" ] && migrate "$config" --state "$state"; then
            say "its configuration and what it was set to last are taken over"
        elif migrate "$config"; then
            say "its configuration is taken over"
        else
            say "its configuration is used as it is"
        fi
    fi
    rm -f "$before/unfinished"
}

back() {
    need_root
    [ -f "$before/kind" ] || refuse "Phaeton did not take the place of a forerunner here"
    read -r kind <"$before/kind"
    lines=$(sed -n "s/^$taken//p" "$rc" 2>/dev/null || :)
    if [ "$kind" = rust ] && [ -f "$before/phaeton_config.yaml" ]; then
        # Phaeton reads the old file as well, so a cut between this and the next step does no harm.
        cp -p "$before/phaeton_config.yaml" "$data/.phaeton_config.new"
        [ ! -f "$config" ] || cmp -s "$config" "$before/phaeton_config.yaml" || cp -p "$config" "$config.of-phaeton"
        sync
        mv "$data/.phaeton_config.new" "$config"
        change "$config is the forerunner's again; Phaeton's is kept as $config.of-phaeton"
    fi
    leave_boot
    stop_service "$service"
    rm -rf "$before"
    if [ -n "$lines" ]; then
        # The one in Python finds Victron's library by the path. It outlives the terminal.
        (cd / && trap '' HUP && PYTHONPATH=/opt/victronenergy/velib_python sh -c "$lines" </dev/null >/dev/null 2>&1 &)
        say "the forerunner is started, as $rc does it at boot"
    else
        say "start the forerunner as you did before"
    fi
}

# --- the service

pause() { sleep 0.2 2>/dev/null || sleep 1; }

stop_service() {  # stop_service /service/NAME: no link any more, and nothing that supervises
    target=$(readlink -f "$1") || return 0
    [ -d "$target" ] || return 0
    [ ! -L "$1" ] || rm -f "$1"
    svc -dx "$target" 2>/dev/null || :
    [ ! -d "$target/log" ] || svc -dx "$target/log" 2>/dev/null || :
    tries=0
    while svstat "$target" 2>/dev/null | grep -q ': up' && [ "$tries" -lt 100 ]; do
        tries=$((tries + 1))
        pause
    done
}

put_service() {
    mkdir -p "$home/service/log"
    # softlimit as Victron's own services have it: a leak ends this program, not the device.
    put "$home/service/run" 755 <<END
#!/bin/sh
exec 2>&1
if [ ! -f "$config" ]; then
    echo "there is no $config: a line 'charger: ADDRESS' in it is enough; looking again in a minute"
    sleep 60
    exit 2
fi
exec softlimit -d 200000000 -s 2000000 "$home/run" run -c "$config"
END
    put "$home/service/log/run" 755 <<END
#!/bin/sh
exec 2>&1
mkdir -p "$log"
exec multilog t s25000 n4 "$log"
END
}

link_service() {
    [ "$(readlink "$service" 2>/dev/null)" != "$home/service" ] || return 0
    if ln -sfn "$home/service" "$service" 2>/dev/null; then
        change "Phaeton starts within some seconds"
    else
        change "Phaeton starts at the next boot"  # the folder of the services is not there yet
    fi
}

# --- the whole

put_configuration() {
    if [ -f "$config" ]; then
        return
    fi
    if [ -n "$given" ]; then
        put "$config" 600 <"$given"
        say "$config is $given"
    elif [ -n "$charger" ]; then
        put "$config" 600 <<END
charger: $charger
END
        say "$config is made, for the charger $charger"
    else
        say "there is no $config yet: a line 'charger: ADDRESS' in it is enough; Phaeton looks for it each minute"
    fi
}

put_launcher() {  # later ones come with a version that has shown to be well
    [ ! -x "$home/run" ] || return 0
    launcher=$(find "$home/versions/$1" -path '*/phaeton/updates/launcher.sh' | head -n 1)
    [ -n "$launcher" ] || refuse "version $1 has no launcher"
    put "$home/run" 755 <"$launcher"
}

put_in_place() {  # all but the version itself; again and again without harm
    put_launcher "$version"
    put_service
    put "$home/install.sh" 755 <"$self"
    [ -n "$(current_version)" ] || { show current "$version" && changed=yes; }
    find_forerunner
    [ -z "$kind" ] || prepare_forerunner
    put_configuration
    enter_boot
    [ -z "$kind" ] || stop_forerunner "$kind"
    finish_forerunner
    link_service
}

try_version() {  # the new one on trial, as phaeton/updates/place.py begins it; the launcher takes it back if need be
    rm -f "$home/starts"
    put "$home/pending" 644 <<END
$version
$1
END
    sync
    show current "$version"
    say "version $version is tried; $1 runs again if it does not do well within five minutes"
    svc -t "$service" 2>/dev/null || :
}

tidy() {  # also after a refusal, which leaves nothing
    code=$?
    rm -rf "$home/download"
    rmdir "$home/versions" "$home" 2>/dev/null || :
    exit "$code"
}

install() {
    check_machine
    check_boot
    [ -z "$given" ] || [ -f "$given" ] || refuse "there is no file $given"
    case $charger in *[!A-Za-z0-9.:_-]*) refuse "$charger is no address" ;; esac
    trap tidy EXIT
    if [ -n "$from_release" ]; then
        fetch_release
    elif [ -d "$source" ]; then
        bundle=$(bundle_in "$source")
    else
        bundle=$source
    fi
    parts_of "${bundle##*/}"
    running=$(current_version)
    if [ "$version" != "$running" ]; then
        if [ -n "$running" ] && [ -z "$force" ] && ! newer "$version" "$running"; then
            refuse "version $version is older than $running, which is installed (--force installs it all the same)"
        fi
        [ ! -f "$home/pending" ] || [ -n "$force" ] || refuse "$running is on trial: wait for five minutes"
        check_bundle
        unpack
    fi
    put_in_place
    if [ -n "$running" ] && [ "$version" != "$running" ]; then
        try_version "$running"
    fi
    sync
    if [ -n "$changed" ]; then
        say "Phaeton $version is installed"
    else
        say "Phaeton $version is installed already; nothing had to be changed"
    fi
}

look_after() {
    check_machine
    check_boot
    version=$(current_version)
    [ -n "$version" ] || refuse "there is no installation in $home; name a bundle (see the head of this file)"
    put_in_place
    [ -n "$changed" ] || say "Phaeton $version is installed; nothing had to be changed"
}

uninstall() {
    need_root
    if [ -z "$data_too" ]; then
        [ -t 0 ] || refuse "say --keep-data or --yes: configuration, sessions and history can be kept or removed"
        printf 'Remove configuration, sessions and history as well? [y/N] '
        read -r answer
        data_too=no
        case $answer in [yYjJ]*) data_too=yes ;; esac
    fi
    if [ -f "$before/kind" ]; then
        back
    else
        leave_boot
        stop_service "$service"
    fi
    for name in run versions current previous pending starts late failed download service forerunner install.sh; do
        remove "$home/$name"
    done
    remove "$log"
    rm -f "$home"/.*.new "$home"/*.new
    if [ "$data_too" = yes ]; then
        for path in "$home"/* "$home"/.[!.]*; do
            case ${path##*/} in
                phaeton | phaeton.old | webui | phaeton_config.sample.yaml | README* | LICENSE*) ;;  # a forerunner's
                *) remove "$path" ;;
            esac
        done
        grep -q '^modbus:' "$config" 2>/dev/null || remove "$config"  # else it is a forerunner's
        for path in "$config".bak-* "$config.of-phaeton"; do
            remove "$path"
        done
    fi
    rmdir "$home" 2>/dev/null || :
    for path in "$home" "$config"; do
        [ ! -e "$path" ] || say "kept: $path"
    done
    say "Phaeton is uninstalled"
}

remove() {
    if [ -e "$1" ] || [ -L "$1" ]; then
        rm -rf "$1"
        say "removed: $1"
    fi
}

self=$(readlink -f "$0")
action=install source='' from_release='' wanted='' repository='' charger='' given='' force='' unsigned='' data_too=''
while [ $# -gt 0 ]; do
    case $1 in
        --release)
            from_release=yes
            case ${2:-} in '' | -*) ;; *) wanted=$2 && shift ;; esac
            ;;
        --repository | --charger | --config)
            [ $# -ge 2 ] || usage
            case $1 in --repository) repository=$2 ;; --charger) charger=$2 ;; --config) given=$2 ;; esac
            shift
            ;;
        --back) action=back ;;
        --check) action=check ;;
        --uninstall) action=uninstall ;;
        --keep-data) data_too=no ;;
        --yes) data_too=yes ;;
        --force) force=yes ;;
        --unsigned) unsigned=yes ;;
        -*) usage ;;
        *) [ -z "$source" ] || usage; source=$1 ;;
    esac
    shift
done
[ ! -L "$rc" ] || rc=$(readlink -f "$rc")
start="[ ! -x \"$home/run\" ] || ln -sfn \"$home/service\" \"$service\""
case $action in
    back) back ;;
    check) check_machine && check_boot ;;
    uninstall) uninstall ;;
    install) if [ -n "$source$from_release" ]; then install; else look_after; fi ;;
esac
