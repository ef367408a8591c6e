#!/bin/sh
# The screen against its budgets: bytes, first picture, keys, CPU, at three sizes; what viewers cost the run; opening a large log. Builds what it
# needs. usage: sh tests/bench/tui.sh [SECONDS]; with LATHE_PYTHON set to a Python that has wandb, also wandb leet on a log of the same size.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-40} here=$PWD/tests/bench
cmake --preset release >/dev/null
cmake --build build/release --target lathe bench_screen bench_feed >/dev/null
lathe=$PWD/build/release/lathe screen=$PWD/build/release/tests/bench_screen feed=$PWD/build/release/tests/bench_feed
work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work" XDG_CONFIG_HOME="$work" LC_ALL=C.UTF-8
unset COLORTERM NO_COLOR
run=
clean() {
    [ -z "$run" ] || kill -9 "$run" 2>/dev/null || true
    rm -rf "$work"
}
trap clean EXIT
cd "$work"
"$lathe" demo >/dev/null
sed 's/    - learning_rate_monitor/    - gradient_monitor: {every_n_steps: 10}\n&/; s/size: 16/size: 48/; s/\[16, 16\]/[48, 48]/' demo/digits.yaml >run.yaml
"$lathe" fit --headless -c run.yaml --trainer.max_epochs 1000 >run.log 2>&1 &
run=$!

cpu() { # NAME of threads, or "" for all: their nanoseconds of CPU so far
    for task in /proc/$run/task/*; do
        case $(cat "$task/comm") in "$1"*) cut -d' ' -f1 "$task/schedstat" ;; esac
    done | awk '{ s += $1 } END { printf "%.0f", s }'
}

sleep 2
echo "attach, 120 40, a run that has just begun: $("$screen" 120 40 "$seconds" "" "$lathe" attach)"
echo "steps, by the run itself: $(tail -1 run.log)"
for size in "80 24" "120 40" "200 60"; do
    echo "attach, $size, Train view: $("$screen" $size "$seconds" "" "$lathe" attach)"
done
echo "attach, 120 40, keys in every view: $("$screen" 120 40 30 "12345678hl+-0?j12" "$lathe" attach)"
"$lathe" ctl cnn pause >/dev/null
echo "attach, 120 40, paused: $("$screen" 120 40 10 "" "$lathe" attach)"
"$lathe" ctl cnn resume >/dev/null

echo "the run's CPU for its viewers (thread log-socket), share of the whole process:"
for viewers in 0 1 3; do
    pids=
    for i in $(seq 1 "$viewers"); do
        [ "$i" -lt 3 ] || export SCREEN_BYTES_PER_SECOND=1000
        "$screen" 120 40 $((seconds + 2)) "" "$lathe" attach >/dev/null &
        pids="$pids $!"
    done
    unset SCREEN_BYTES_PER_SECOND
    sleep 2
    socket=$(cpu log-socket) all=$(cpu "")
    sleep "$seconds"
    echo "$viewers $(cpu log-socket) $(cpu "") $socket $all" | awk '{ printf "  %s: %.3f %%\n", $1, ($2 - $4) / ($3 - $5) * 100 }'
    for pid in $pids; do wait "$pid"; done
done
kill -9 "$run"
run=

echo "a finished log of 300000 steps and 2 metrics:"
"$feed" make large 300000 2 >/dev/null
echo "  lathe view: $("$screen" 120 40 6 "" "$lathe" view large)"
if [ -n "${LATHE_PYTHON-}" ]; then # the same numbers in a log of wandb's, in the viewer that comes with it
    "$LATHE_PYTHON" "$here/peer_log.py" "$work" 300000
    echo "  wandb leet: $("$screen" 120 40 60 "" "$LATHE_PYTHON" -m wandb leet "$(ls "$work"/wandb/offline-run-*/*.wandb)")"
fi
echo "a finished log of 1000000 steps and 10 metrics:"
"$feed" make huge 1000000 10 >/dev/null
echo "  lathe view, keys: $("$screen" 120 40 30 "hlhl+-hl2hlhlhlhl1hlhl" "$lathe" view huge)"
