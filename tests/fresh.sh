#!/bin/sh
# sh tests/fresh.sh FOLDER [COMMAND…]: makes an untouched Debian 12 under FOLDER (once; needs root and debootstrap), copies
# the committed tree into a fresh copy of it and runs both commands of the README there, twice each, or the COMMANDs given.
# Prints how each ended and how long it took; their output lies in FOLDER/N.log.
set -eu
[ $# -ge 1 ] || {
    echo "usage: sh tests/fresh.sh FOLDER [COMMAND…]" >&2
    exit 2
}
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
source=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- 'sh data/demo.sh' 'sh tests/run.sh' 'sh data/demo.sh' 'sh tests/run.sh'

if [ ! -e "$folder/root.made" ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Codename: bookworm' | head -n 1)
    rm -rf "$folder/root"
    debootstrap --variant=minbase bookworm "$folder/root" "$mirror" >"$folder/debootstrap.log" 2>&1
    touch "$folder/root.made"
fi

leave() {
    umount "$folder/try/dev/pts" "$folder/try/dev/shm" "$folder/try/proc" 2>/dev/null || true
}
trap leave EXIT
leave
rm -rf --one-file-system "$folder/try"
cp -a "$folder/root" "$folder/try"
cp /etc/resolv.conf /etc/hosts "$folder/try/etc/"
mount -t proc proc "$folder/try/proc"
mkdir -p "$folder/try/dev/pts" "$folder/try/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$folder/try/dev/pts"
mount -t tmpfs tmpfs "$folder/try/dev/shm"
ln -sf pts/ptmx "$folder/try/dev/ptmx"
git clone -q "$source" "$folder/try/lathe"

number=0
failed=0
for command in "$@"; do
    number=$((number + 1))
    began=$(date +%s)
    code=0
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$folder/try" sh -c "cd /lathe && $command" \
        </dev/null >"$folder/$number.log" 2>&1 || code=$?
    echo "$number: $command: exit $code after $(($(date +%s) - began)) s, last line: $(tail -n 1 "$folder/$number.log")"
    [ $code = 0 ] || failed=$((failed + 1))
done
echo "$((number - failed)) passed, $failed failed"
[ $failed = 0 ]
