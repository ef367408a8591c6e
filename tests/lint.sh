#!/bin/sh
# sh tests/lint.sh ROOT: complaints about the shape of the tree, one a line; exit 1 when there are any.
set -eu
cd "$1"
complaints=$(mktemp)
trap 'rm -f "$complaints"' EXIT

complain() {
    printf '%s\n' "$*" >>"$complaints"
}

# What belongs to the repository: asks git where it can, else everything that is not made by building or running.
all_files() {
    git ls-files --cached --others --exclude-standard 2>/dev/null ||
        find . -name '.git' -prune -o -path './build*' -prune -o -path ./runs -prune -o -path ./demo -prune -o \
            -path ./.cache -prune -o -name __pycache__ -prune -o -type f -print | sed 's|^\./||'
}

files=$(all_files)
list() { # REGEX: existing files whose path matches
    printf '%s\n' "$files" | grep -E "$1" | while read -r file; do
        [ ! -f "$file" ] || printf '%s\n' "$file"
    done
}

for name in $(printf '%s\n' "$files" | sed 's|/.*||' | sort -u); do
    case $name in
    .* | data | profiler | engine | tui | themes | tests | CMakeLists.txt | CMakePresets.json | README.md) ;;
    *) complain "$name: nothing of that name belongs at the top level" ;;
    esac
done

for file in $(list '\.(c|h|cu|def|cmake|sh|py|md)$|CMakeLists.txt$'); do
    lines=$(wc -l <"$file")
    [ "$lines" -le 500 ] || complain "$file: $lines lines; 500 are the limit"
done

# clang-format puts the braces of a function, and of nothing else, into the first column.
for file in $(list '^(data|profiler|engine|tui|tests)/.*\.(c|h|cu)$'); do
    awk -v file="$file" '
        /^\{/ { start = FNR }
        /^\}/ && start { if (FNR - start + 1 > 60) print file ":" start ": a function of " FNR - start + 1 " lines; 60 are the limit"
                         start = 0 }' "$file" >>"$complaints"
    ! grep -nE 'TODO|FIXME|HACK' "$file" >/dev/null || complain "$file: unfinished business (TODO, FIXME, HACK)"
done

for file in $(list '^(data|profiler|engine|tui|tests)/.*\.h$'); do
    head -n 1 "$file" | grep -q '^/\*' || complain "$file: a header starts with a comment that says what it is"
    grep -q '^#pragma once$' "$file" || complain "$file: no #pragma once"
done

# Nothing but the program's last line ends the process; a forked child leaves by _exit.
for file in $(list '^(data|profiler|engine|tui)/.*\.c$' | grep -vE '^tui/main\.c$|_test\.c$'); do
    ! grep -nE '(^|[^_a-z])exit\(' "$file" >/dev/null || complain "$file: exit belongs in tui/main.c only"
done

cat "$complaints"
[ ! -s "$complaints" ]
