#!/bin/sh
# Venus OS has unpacked venus-data.tar.gz from a USB stick or SD card into /data at boot, and runs this from it.
# What the installer says is on the stick afterwards, in phaeton-install.log.
set -u

root=${ROOT:-}
from=$root/data/phaeton-install
[ "$1" = success ] && [ -d "$from" ] || exit 1

log=/dev/null
for archive in "$root"/media/*/venus-data*.tar.gz; do
    folder=$(dirname "$archive")
    if [ -f "$archive" ] && (: >"$folder/phaeton-install.log") 2>/dev/null; then
        log=$folder/phaeton-install.log
        break
    fi
done
if [ -f "$from/phaeton_config.yaml" ]; then
    set -- --config "$from/phaeton_config.yaml"
else
    set --
fi
sh "$from/install.sh" "$from" "$@" >"$log" 2>&1
code=$?
rm -rf "$from"
exit "$code"
