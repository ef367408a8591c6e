#!/bin/sh
# sh tests/bench/peers.sh [MODEL [BATCH [SIZE [ROUNDS]]]]: the time of a training step, lathe beside PyTorch (eager, both memory
# formats), in alternating rounds on 2 threads; a round is a process of each, the median of its steps but the first two. Prints every
# round, then medians, spreads and ratios. Needs build/release and a Python with torch and torchvision (LATHE_PYTHON). Only an idle
# machine tells the truth.
set -eu
cd "$(dirname "$0")/../.."
model=${1-efficientnet_b0} batch=${2-32} size=${3-224} rounds=${4-5}
python=${LATHE_PYTHON-python3} threads=2 steps=6
"$python" -c 'import torch, torchvision' || {
    echo "needs a Python with torch and torchvision; set LATHE_PYTHON" >&2
    exit 2
}
cmake --build build/release --target bench_step >/dev/null
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# the milliseconds of every step of a process -> the median of its steps but the first two
median_step() {
    sed -n 's/.*all \([0-9.]*\) ms.*/\1/p' | tail -n +3 | sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

echo "$model, batch $batch, $size x $size pixels, $threads threads, $(nproc) cores; load $(cut -d' ' -f1 /proc/loadavg)"
for round in $(seq "$rounds"); do
    for who in lathe channels_last eager; do
        case $who in
        lathe) build/release/tests/bench_step "$model" "$batch" "$size" $threads $steps ;;
        *) "$python" tests/bench/peer_step.py "$model" "$batch" "$size" $threads $steps $who ;;
        esac | median_step >>"$out/$who"
    done
    echo "round $round: lathe $(tail -n 1 "$out/lathe") ms, PyTorch channels_last $(tail -n 1 "$out/channels_last") ms, eager $(tail -n 1 "$out/eager") ms"
done
for who in lathe channels_last eager; do
    # the ratio is the median of the rounds' ratios
    paste "$out/$who" "$out/lathe" | awk '{ print $1 / $2 }' | sort -n >"$out/ratio"
    sort -n "$out/$who" | paste - "$out/ratio" | awk -v who=$who '
        { v[NR] = $1; r[NR] = $2 }
        END { m = int((NR + 1) / 2); printf "%-14s median %8.1f ms (%.1f to %.1f), ratio to lathe %.2f (%.2f to %.2f)\n", who, v[m], v[1], v[NR], r[m], r[1], r[NR] }'
done
