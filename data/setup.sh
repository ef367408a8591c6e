# What lathe needs from the system and how it gets there; sourced by data/demo.sh and tests/run.sh from the repository's
# root. A need is one line: the Debian package, then how its presence is seen (a command, a pkg-config module, a file).
# Seeing the thing itself and not the package lets hand-made installations and other systems count too.

build_needs='
gcc                 command  cc
libc6-dev           file     /usr/include/stdio.h
cmake               command  cmake
ninja-build         command  ninja
pkg-config          command  pkg-config
libncurses-dev      module   ncursesw
libjpeg62-turbo-dev module   libjpeg
libpng-dev          module   libpng
libhdf5-dev         module   hdf5
libyaml-dev         module   yaml-0.1
libjansson-dev      module   jansson
libutf8proc-dev     module   libutf8proc
libxxhash-dev       module   libxxhash
'
test_needs='
libcmocka-dev       module   cmocka
libvterm-dev        module   vterm
tmux                command  tmux
procps              command  pkill
'
# Only for tests/run.sh --all: static checks, and Python for fetching real pictures.
check_needs='
clang               command  clang
clang-tidy          command  clang-tidy
clang-format        command  clang-format
python3             command  /usr/bin/python3
python3-pil         file     /usr/lib/python3/dist-packages/PIL/__init__.py
python3-pip         file     /usr/lib/python3/dist-packages/pip/__init__.py
'

say() {
    printf '%s\n' "$*"
}

# have KIND THING: is it here?
have() {
    case $1 in
    command) command -v "$2" >/dev/null 2>&1 ;;
    module) command -v pkg-config >/dev/null 2>&1 && pkg-config --exists "$2" ;;
    file) [ -e "$2" ] ;;
    esac
}

# missing NEEDS: prints the packages of the lines whose thing is not here, on one line.
missing() {
    printf '%s\n' "$1" | {
        list=
        while read -r package kind thing; do
            [ -z "$package" ] || have "$kind" "$thing" || list="$list $package"
        done
        printf '%s' "${list# }"
    }
}

apt_install='apt-get install -y --no-install-recommends'

# A new machine has no package lists yet; old ones may name versions that are gone, so one failure refreshes them.
install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
        say "Reading the package lists (apt-get update)"
        apt-get -qq update
    fi
    # shellcheck disable=SC2086 # one word per package
    if ! $apt_install -qq "$@" </dev/null >"$setup_log" 2>&1; then
        apt-get -qq update
        $apt_install -qq "$@" </dev/null >"$setup_log" 2>&1 || {
            cat "$setup_log" >&2
            say "apt-get could not install: $*" >&2
            exit 2
        }
    fi
}

# install_missing NEEDS…: installs what is not here; says nothing when all is.
install_missing() {
    packages=$(missing "$*")
    [ -n "$packages" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        say "Missing, by their Debian names: $packages" >&2
        say "There is no apt-get here; install them by your system's package manager, then run this again." >&2
        exit 2
    fi
    if [ "$(id -u)" != 0 ]; then
        say "Missing: $packages" >&2
        say "Run this as root, then start again:" >&2
        say "  apt-get update && $apt_install $packages" >&2
        exit 2
    fi
    say "Installing $packages"
    setup_log=$(mktemp)
    # shellcheck disable=SC2086
    install_packages $packages
    rm -f "$setup_log"
    packages=$(missing "$*")
    [ -z "$packages" ] || {
        say "Installed, but still not found: $packages" >&2
        exit 2
    }
}

# build PRESET [TARGET]: configures and builds; says so only when something changed since the last build.
build() {
    log=build/$1/.ninja_log
    changed=first
    if [ -e "$log" ]; then
        changed=$(find . -mindepth 1 \( -name '.*' -o -name build -o -name runs -o -name demo \) -prune -o -newer "$log" -print | head -n 1)
    fi
    [ -z "$changed" ] || say "Building build/$1"
    configured=$(cmake --preset "$1" 2>&1) || {
        say "$configured" >&2
        exit 1
    }
    if [ -n "$changed" ] && [ -t 1 ]; then
        ninja -C "build/$1" ${2-} # counts its steps on one line
        return
    fi
    ninja -C "build/$1" --quiet ${2-} >"build/$1/build.log" 2>&1 || {
        cat "build/$1/build.log" >&2
        exit 1
    }
}
