#!/bin/sh
# sh data/demo.sh [--trainer.max_epochs 5 …]: installs what is missing, builds a release, unpacks the bundled digits into
# demo/ and trains a small network on them, live on the screen. What follows is handed to `lathe fit`.
set -eu
cd "$(dirname "$0")/.."
. data/setup.sh

install_missing "$build_needs"
build release lathe
build/release/lathe demo
exec build/release/lathe fit -c demo/digits.yaml "$@"
