#!/bin/sh
# What a fit promises, seen from outside: accumulation, limits, when it validates and stops, which checkpoint is best, signals and exit
# codes, the evidence of a non-finite step, a dry run that leaves nothing.
set -eu
work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work"
trap 'rm -rf "$work"' EXIT
cd "$work"
lathe=$LATHE_BINARY
"$lathe" demo >/dev/null

fit() { # NAME ARGUMENTS…: its lines in NAME.log, its exit code in $code
    name=$1
    shift
    code=0
    "$lathe" fit --headless -c demo/digits.yaml --run_name "$name" "$@" >"$name.log" 2>&1 || code=$?
}
wrong() {
    echo "WRONG: $*"
    tail -n 5 "$name.log"
    exit 1
}
has() { # PATTERN…: lines of the newest log
    for pattern in "$@"; do grep -q -e "$pattern" "$name.log" || wrong "no '$pattern'"; done
}
steps() { # EXPECTED NAME: the steps at which a value was logged
    got=$(awk -v name="$2" '$3 == name { printf "%s ", $2 }' "$name.log")
    [ "$got" = "$1 " ] || wrong "$2 at steps $got instead of $1"
}

echo "# 4 batches of 128 accumulated = 1 of 512, in a short last window, too (batch norm frozen)"
for way in 'one --data.batch_size 512' 'four --data.batch_size 128 --trainer.accumulate_grad_batches 4'; do
    fit $way --trainer.max_epochs 3 --model.freeze '[features.*.1.*]' --optimizer '{name: sgd, lr: 0.3, momentum: 0.9}'
    [ $code = 0 ] || wrong "exit $code"
    steps "3 6 9" val/loss
done
awk '$3 == "val/loss" { if (FNR == NR) a[$2] = $4; else { d = $4 - a[$2]; if (d < 0) d = -d; if (d > 2e-5) bad = 1; n++ } }
     END { exit bad || n < 3 }' one.log four.log || wrong "accumulated: $(grep -h val/loss one.log four.log)"

echo "# limits and checks"
fit limits --trainer.max_epochs 2 --trainer.limit_train_batches 10 --trainer.limit_val_batches 0.5 --trainer.val_check_interval 5
steps "5 10 15 20" val/loss
has '^finished 2 epochs, 20 steps'
fit rare --trainer.max_epochs 4 --trainer.limit_train_batches 3 --trainer.check_val_every_n_epoch 2
steps "6 12" val/loss
fit most --trainer.max_steps 50 --trainer.max_epochs -1 --trainer.num_sanity_val_steps 2
has '^finished 1 epochs, 50 steps'
"$lathe" fit --headless --resume most --trainer.max_steps 60 >most.log 2>&1 || wrong "resuming inside an epoch"
has '^finished 1 epochs, 60 steps'

fit stretched --trainer.max_epochs 2 --trainer.limit_train_batches 2
"$lathe" fit --headless --resume stretched --trainer.max_epochs 4 >stretched.log 2>&1 || wrong "resuming"
has 'lr warning: the schedule cosine_annealing stretches from 2 to 4 steps: the rate goes on at 0.5 times the base instead of 0'
"$lathe" fit --headless --resume stretched --trainer.max_epochs 6 --lr_scheduler.T_max 4 >stretched.log 2>&1 || wrong "resuming"
! grep stretches stretched.log || wrong "T_max does not stretch"

echo "# early stopping and the best checkpoint"
fit early --trainer.max_epochs 60 --optimizer.lr 0 --trainer.limit_train_batches 2 \
    --trainer.callbacks '[{early_stopping: {monitor: val/loss, patience: 3}}, {model_checkpoint: {monitor: val/loss, filename: "{epoch}-{val/loss:.2f}", save_last: true}}]'
[ $code = 0 ] || wrong "exit $code"
has 'early_stop .*val/loss did not improve on .* in 3 checks' '^finished [0-9]* epochs.*stopped early'
[ "$(awk '$3 == "val/loss"' early.log | wc -l)" -lt 60 ] || wrong "not stopped"
ls early.log runs/early/version_0/checkpoints/epoch=*-val_loss=*.ckpt >/dev/null
fit best --trainer.max_epochs 2 --trainer.callbacks '[{model_checkpoint: {monitor: val/loss, mode: max, save_top_k: 1, filename: first, save_last: true}}]'
"$lathe" validate best --ckpt_path best >best.log
has 'checkpoints/first.ckpt'
"$lathe" validate best/version_0 --ckpt_path last >best.log
has 'checkpoints/last.ckpt'

echo "# signals"
signalled() { # CODE WORDS SIGNALS…
    expected=$1 words=$2
    shift 2
    "$lathe" fit --headless -c demo/digits.yaml --run_name "$name" --trainer.max_epochs 500 >"$name.log" 2>&1 &
    pid=$!
    until grep -q 'step [1-9]' "$name.log" 2>/dev/null; do sleep 0.05; done
    for signal in "$@"; do
        kill -"$signal" $pid
        sleep 0.3
    done
    code=0
    wait $pid || code=$?
    [ $code = "$expected" ] || wrong "exit $code instead of $expected"
    has "stopped by $words at step .*; saved runs/$name/.*last.ckpt; go on with: lathe fit --resume"
    "$lathe" predict "$name" demo/digits/3/0001.png >/dev/null
}
name=interrupted
signalled 130 Ctrl-C INT INT
name=terminated
signalled 143 SIGTERM TERM
name=requeued
signalled 143 SIGUSR1 HUP USR1

echo "# not finite"
fit diverged --optimizer '{name: sgd, lr: 1e6, weight_decay: 0.01}' --trainer.gradient_clip_val 0
[ $code = 3 ] || wrong "exit $code instead of 3"
has 'nan severe: loss .* first in features' 'stopped at step .*then start again'
grep -q '"demo/digits/[0-9]/' runs/diverged/version_0/nonfinite-step=*.json || wrong "no evidence"

echo "# a dry run"
fit dry --trainer.fast_dev_run 3 --trainer.profiler advanced
[ $code = 0 ] || wrong "exit $code"
has '^the dry run passed: 3 batches of training, 3 of validation, a checkpoint and a log written, read back and removed'
[ -z "$(find runs/dry -type f)" ] || wrong "left: $(find runs/dry)"

echo "all as promised"
