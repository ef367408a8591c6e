#!/bin/sh
# Installs what is missing, builds, and runs the tests; --all adds what takes long.
set -eu
cd "$(dirname "$0")/.."
cmake --preset release >/dev/null
cmake --build --preset release
ctest --preset release -LE long
