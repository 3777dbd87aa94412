#!/bin/sh
# Starts the current version of Phaeton. While a new version is on trial it watches it, and takes it back where it ends
# again and again or does not confirm within its time. Everything else is in docs/updates.md.
#
# It stands beside the versions and needs none of them: only a POSIX shell and mv, rm, ln, sleep, kill.

here=$(pwd)
root=$(cd "$(dirname "$0")" && pwd -P) || exit 111
cd "$root" || exit 111

trial_s=${PHAETON_TRIAL_S:-300}  # a new version has to be well within this time
most_starts=3                    # and may be started this often until then
again=75                         # the exit code of a program that wants to be started anew
child=
watch=

say() { echo "phaeton launcher: $*" >&2; }

works() { [ -n "$1" ] && [ -x "versions/$1/bin/phaeton" ]; }

version_of() {
    found=$(readlink "$1" 2>/dev/null) && echo "${found##*/}"
}

show() {  # show NAME VERSION: let a link show to a version
    rm -f ".$1.new"
    ln -s "versions/$2" ".$1.new" && {
        mv -T ".$1.new" "$1" 2>/dev/null || { rm -f "$1" && mv ".$1.new" "$1"; }
    }
}

take_back() {  # take_back WHY: the old version is the current one again
    say "version $new is taken back, $old runs again: $1"
    printf '%s\t%s\n' "$new" "$1" >>failed
    show current "$old"
    rm -f pending starts
    sync
}

read_pending() {  # is a version on trial?
    new='' old=''
    [ -f pending ] || return 1
    { read -r new && read -r old; } <pending
    if [ "$new" = "$(version_of current)" ] && works "$old"; then
        return 0
    fi
    rm -f pending starts  # the power was cut before the link was switched
    return 1
}

repair() {  # a current version that is there, whatever happened before
    works "$(version_of current)" && return
    for other in .current.new previous; do
        candidate=$(version_of "$other")
        works "$candidate" && { say "there is no current version: $candidate is used"; show current "$candidate"; return; }
    done
    for folder in versions/*; do
        candidate=${folder##*/}
        works "$candidate" && { say "there is no current version: $candidate is used"; show current "$candidate"; return; }
    done
    say "there is no version of Phaeton in $root/versions: install it anew"
    exit 111
}

pass_on() {  # pass_on SIGNAL: it is meant for the program
    [ "$1" = HUP ] || ordered=1
    [ -n "$child" ] && kill -"$1" "$child" 2>/dev/null
}

over_time() {  # in the background: end a program that does not confirm
    passed=0
    while [ "$passed" -lt "$trial_s" ]; do
        sleep 1
        [ -f pending ] || exit 0
        kill -0 "$child" 2>/dev/null || exit 0
        passed=$((passed + 1))
    done
    : >late
    kill -KILL "$child" 2>/dev/null
}

try() {  # run the version on trial to its end
    count=0
    [ -f starts ] && read -r count <starts
    case $count in '' | *[!0-9]*) count=0 ;; esac
    if [ "$count" -ge "$most_starts" ]; then
        take_back "it ended $count times before it was well"
        return
    fi
    echo $((count + 1)) >starts
    sync
    rm -f late
    ordered=
    trap 'pass_on TERM' TERM
    trap 'pass_on INT' INT
    trap 'pass_on HUP' HUP
    (cd "$here" && PHAETON_LAUNCHER=watches exec "$root/versions/$new/bin/phaeton" "$@") &
    child=$!
    [ -n "$ordered" ] && kill -TERM "$child" 2>/dev/null  # the signal came before there was a program
    over_time </dev/null >/dev/null 2>&1 &
    watch=$!
    while :; do
        wait "$child"
        code=$?
        kill -0 "$child" 2>/dev/null || break  # else a signal came in between
    done
    trap - TERM INT HUP
    kill "$watch" 2>/dev/null
    wait "$watch" 2>/dev/null
    child=
    if [ -f late ]; then
        rm -f late
        take_back "it was not well within $trial_s s"
        return
    fi
    if [ -n "$ordered" ]; then
        [ -f starts ] && echo "$count" >starts
        exit "$code"
    fi
    [ -f pending ] || { [ "$code" -eq "$again" ] || exit "$code"; }
}

rm -f late
repair
while read_pending; do
    try "$@"
    repair
done
# By its own folder and not by the link: what it loads later comes from the same version, whatever is switched meanwhile.
current=$(version_of current)
cd "$here" || exit 111
PHAETON_LAUNCHER=$root/run exec "$root/versions/$current/bin/phaeton" "$@"
