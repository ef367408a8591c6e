#!/bin/sh
# sh tests/fuzz/run.sh [SECONDS]: every NAME_fuzz.c beside this file, under libFuzzer with sanitizers, from the files
# in seeds/NAME; 20 seconds each unless told. What it finds is kept in build/fuzz/ and printed.
set -eu
cd "$(dirname "$0")/../.."
. data/setup.sh

seconds=${1-20}
build fuzz fuzz_targets
for target in tests/fuzz/*_fuzz.c; do
    name=$(basename "$target" _fuzz.c)
    say "Fuzzing $name for $seconds s"
    found=build/fuzz/corpus/$name
    mkdir -p "$found"
    "build/fuzz/tests/tests.fuzz.${name}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="build/fuzz/$name-" "$found" "tests/fuzz/seeds/$name" >"build/fuzz/$name.log" 2>&1 || {
        grep -vE '^#[0-9]|NEW_FUNC' "build/fuzz/$name.log" >&2
        exit 1
    }
done
