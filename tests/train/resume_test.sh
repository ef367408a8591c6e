#!/bin/sh
# The same bits: stopped and resumed = uninterrupted (at an epoch boundary, and inside an epoch after SIGTERM); whatever the loader
# workers and compute threads.
set -eu
lathe=$LATHE_BINARY
work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work"
trap 'rm -rf "$work"' EXIT
cd "$work"
"$lathe" demo >/dev/null

fit() { # NAME ARGUMENTS…
    name=$1
    shift
    "$lathe" fit --headless -c demo/digits.yaml --lr_scheduler '{name: constant}' --run_name "$name" "$@" >"$name.log" 2>&1
}
weights() { # RUN: their checksum
    "$lathe" export "runs/$1/version_0" --output "$1.safetensors" >/dev/null
    cksum <"$1.safetensors"
}
same() { # RUN RUN
    [ "$(weights "$1")" = "$(weights "$2")" ] || { echo "$1 and $2 differ"; exit 1; }
}

echo "# resumed at an epoch boundary"
fit whole --trainer.max_epochs 3
fit parts --trainer.max_epochs 1
"$lathe" fit --headless --resume runs/parts/version_0 --trainer.max_epochs 3 >parts.log 2>&1
same whole parts

echo "# the schedule too: a cosine over the same total"
fit cosine --trainer.max_epochs 3 --lr_scheduler '{name: cosine_annealing, T_max: 3}'
fit half --trainer.max_epochs 2 --lr_scheduler '{name: cosine_annealing, T_max: 3}'
"$lathe" fit --headless --resume runs/half/version_0 --trainer.max_epochs 3 >half.log 2>&1
same cosine half

echo "# stopped by SIGTERM wherever it was (exit 143), then resumed"
fit long --trainer.max_epochs 16
"$lathe" fit --headless -c demo/digits.yaml --lr_scheduler '{name: constant}' --run_name cut --trainer.max_epochs 16 >cut.log 2>&1 &
pid=$!
until grep -q 'step .* epoch [2-9]' cut.log 2>/dev/null; do sleep 0.1; done
kill -TERM $pid
code=0
wait $pid || code=$?
[ $code = 143 ] || { echo "exit $code instead of 143"; cat cut.log; exit 1; }
grep -q 'stopped by SIGTERM at step' cut.log
"$lathe" fit --headless --resume runs/cut/version_0 >cut.log 2>&1
same long cut

echo "# loader workers and compute threads do not show"
for n in 0 1 2 4; do fit "workers$n" --trainer.max_epochs 1 --data.num_workers $n; done
for n in 1 2 3; do fit "threads$n" --trainer.max_epochs 1 --trainer.num_threads $n; done
for run in workers1 workers2 workers4 threads1 threads2 threads3; do same workers0 $run; done
echo "all the same"
