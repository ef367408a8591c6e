#!/bin/sh
# The tree keeps its own rules, and each check is seen to catch a planted breach.
set -eu
root=$LATHE_SOURCE_DIR
sh "$root/tests/lint.sh" "$root"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=

# A small tree without a fault.
fresh_tree() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree/data/base" "$work/tree/engine/ops" "$work/tree/tui/term"
    printf '/* A noun. */\n#pragma once\n' >"$work/tree/data/base/noun.h"
    printf '#include "data/base/noun.h"\n\n#include <stdio.h>\n\nvoid noun_say(void)\n{\n}\n' >"$work/tree/data/base/noun.c"
    printf '#include "engine/ops/op.h"\n#include "data/base/noun.h"\n' >"$work/tree/engine/ops/add.c"
}

lint() {
    sh "$root/tests/lint.sh" "$work/tree"
}

arrows() {
    cmake -DROOT="$work/tree" -P "$root/tests/arrows.cmake"
}

# must_catch CHECK WORDS: the check fails on the tree, with these words.
must_catch() {
    if "$1" >"$work/said" 2>&1; then
        echo "$1 let this pass: $2"
        failed=yes
    elif ! tr -s ' \n' ' ' <"$work/said" | grep -qF -- "$2"; then
        echo "$1 failed without saying: $2"
        cat "$work/said"
        failed=yes
    fi
    fresh_tree
}

fresh_tree
lint
arrows

mkdir "$work/tree/extra" && touch "$work/tree/extra/file"
must_catch lint 'extra: nothing of that name belongs at the top level'
yes '/* long */' | head -n 501 >"$work/tree/data/base/long.c"
must_catch lint 'data/base/long.c: 501 lines'
{
    printf 'void long_one(void)\n{\n'
    yes '    ;' | head -n 59
    printf '}\n'
} >"$work/tree/data/base/long.c"
must_catch lint 'data/base/long.c:2: a function of 61 lines'
printf '/* %s: later */\n' TODO >"$work/tree/data/base/later.c"
must_catch lint 'data/base/later.c: unfinished business'
printf '#pragma once\n' >"$work/tree/data/base/bare.h"
must_catch lint 'data/base/bare.h: a header starts with a comment'
printf '/* Twice. */\n' >"$work/tree/data/base/twice.h"
must_catch lint 'data/base/twice.h: no #pragma once'
printf 'void leave(void)\n{\n    exit(1);\n}\n' >"$work/tree/engine/ops/leave.c"
must_catch lint 'engine/ops/leave.c: exit belongs in tui/main.c only'

printf '#include "tui/layout.h"\n' >"$work/tree/engine/ops/up.c"
must_catch arrows 'engine/ops/up.c: #include "tui/layout.h": engine must not know tui'
printf '#include "noun.h"\n' >"$work/tree/data/base/short.c"
must_catch arrows 'data/base/short.c: #include "noun.h": include by root path'
printf '#include <curses.h>\n' >"$work/tree/engine/ops/screen.c"
must_catch arrows 'engine/ops/screen.c: curses belongs in tui/term only'
printf '#include <ncursesw/curses.h>\n' >"$work/tree/tui/screen.c"
must_catch arrows 'tui/screen.c: curses belongs in tui/term only'
printf '#include <panel.h>\n' >"$work/tree/tui/panel.c"
must_catch arrows 'tui/panel.c: curses belongs in tui/term only'
printf '#include <tui/layout.h>\n' >"$work/tree/engine/ops/angle.c"
must_catch arrows "engine/ops/angle.c: #include <tui/layout.h>: rooms' own headers are included in quotes"
printf '#include <hdf5.h>\n' >"$work/tree/engine/ops/file.c"
must_catch arrows 'engine/ops/file.c: HDF5 belongs in engine/log only'

# A row without its file is refused when the build is configured.
row_without_file() {
    cmake -S "$work/whole" -B "$work/whole/build" -G Ninja -DLATHE_TESTS=OFF
}
mkdir "$work/whole"
for part in CMakeLists.txt data profiler engine tui themes; do
    [ ! -e "$root/$part" ] || cp -r "$root/$part" "$work/whole/"
done
printf 'OP(nothing)\n' >>"$work/whole/engine/ops/ops.def"
must_catch row_without_file "engine/ops/ops.def has a row 'nothing' but engine/ops/nothing.c does not exist"

[ -z "$failed" ]
