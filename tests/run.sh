#!/bin/sh
# sh tests/run.sh [--all]: installs what is missing, builds, and runs the tests: all quick ones on the release build, then
# the unit tests under AddressSanitizer and UndefinedBehaviorSanitizer. --all begins with what takes long: format and
# clang-tidy, ThreadSanitizer, the long tests, fuzzing.
set -eu
cd "$(dirname "$0")/.."
. data/setup.sh

all=
case ${1-} in
'') ;;
--all) all=yes ;;
*)
    say "usage: sh tests/run.sh [--all]" >&2
    exit 2
    ;;
esac
jobs=$(nproc)

run_tests() { # PRESET CTEST-OPTIONS…; one more than there are cores, as many tests mostly wait
    preset=$1
    shift
    say "Testing build/$preset ($*)"
    ctest --preset "$preset" -j $((jobs + 1)) --no-tests=error "$@"
}

sources() {
    find data profiler engine tui tests -name '*.c' -o -name '*.h'
}

check_format() {
    say "Checking the format (clang-format)"
    sources | xargs clang-format --dry-run --Werror
}

check_tidy() {
    say "Checking with clang-tidy"
    # Without the tests: the analyzer does not know that cmocka's asserts end a test.
    find data profiler engine tui -name '*.c' ! -name '*_test.c' | sort | xargs -P "$jobs" -n 4 clang-tidy --quiet -p build/release
}

if [ -n "$all" ]; then
    install_missing "$build_needs" "$test_needs" "$check_needs"
    build release
    check_format
    check_tidy
    build tsan unit_tests
    run_tests tsan -L unit
    run_tests release -L long
    sh tests/fuzz/run.sh
else
    install_missing "$build_needs" "$test_needs"
    build release
fi
build asan unit_tests
run_tests release -LE long
run_tests asan -L unit
