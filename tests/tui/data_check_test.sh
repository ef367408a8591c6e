#!/bin/sh
# lathe data check: counts, damaged files, the same picture in train and val or in two classes, exit codes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
lathe=$LATHE_BINARY
"$lathe" demo >/dev/null

check() { # CODE PATTERN… -- ARGUMENTS…
    expected=$1
    shift
    patterns=
    while [ "$1" != -- ]; do
        patterns="$patterns$1
"
        shift
    done
    shift
    code=0
    "$lathe" data check "$@" >out.txt 2>&1 || code=$?
    [ $code = "$expected" ] || { echo "exit $code instead of $expected: $*"; cat out.txt; exit 1; }
    printf '%s' "$patterns" | while read -r pattern; do
        grep -q -e "$pattern" out.txt || { echo "no '$pattern': $*"; cat out.txt; exit 1; }
    done
}

check 0 '^1797 pictures, 0 problems' '^3  *143  *40  *0  *0$' '^smallest 8x8, largest 8x8 pixels' -- demo/digits
check 0 '^1797 pictures, 0 problems' '^3  *143  *40 ' -- -c demo/digits.yaml
check 0 '^3  *183  *0 ' -- demo/digits --split 1 --workers 3
cp -r demo/digits hurt
head -c 100 demo/digits/3/0001.png >hurt/3/0001.png
cp demo/digits/5/0002.png hurt/7/copy.png
check 1 '^bad: hurt/3/0001.png: the PNG is damaged or cut off' '^3  *147  *36  *0  *1$' '^same picture: hurt/5/0002.png (.*, 5) and hurt/7/copy.png (.*, 7)' \
    '^1798 pictures, 2 problems' 'repair or remove' -- hurt
mkdir parts && cp -r demo/digits parts/train && cp -r demo/digits parts/val
cat >parts.yaml <<'Y'
model: {name: cnn}
data: {train_dir: parts/train, val_dir: parts/val, train_transforms: [{resize: [8, 8]}], val_transforms: [{resize: [8, 8]}]}
Y
check 1 '^same picture: parts/train/.* (train, 0) and parts/val/.* (val, 0)' '^… and 1777 more' '^3594 pictures, 1797 problems' -- -c parts.yaml
check 1 'the data folder nowhere does not exist' -- nowhere
check 2 'check what? give a folder' --
check 2 'no number of threads' -- demo/digits --workers many
check 2 'no share between 0 and 1' -- demo/digits --split much
echo "all as expected"
