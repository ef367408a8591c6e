#!/bin/sh
# lathe ctl on real trainings, without a terminal: every command, every exit status, what the journal says, and that a learning rate set by
# hand survives a resume bit for bit.
set -eu
lathe=$LATHE_BINARY
work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work"
pid=
clean() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    rm -rf "$work"
}
trap clean EXIT
cd "$work"
"$lathe" demo >/dev/null

start() { # NAME ARGUMENTS…: a training in the background, its first step done
    name=$1
    shift
    "$lathe" fit --headless -c demo/digits.yaml --run_name "$name" "$@" >"$name.log" 2>&1 </dev/null &
    pid=$!
    until grep -q 'step [1-9]' "$name.log" 2>/dev/null; do
        kill -0 "$pid" || wrong "the training did not start"
        sleep 0.05
    done
}
wrong() {
    echo "WRONG: $*"
    cat out err "$name.log" 2>/dev/null | tail -n 30
    exit 1
}
ctl() { # EXIT_STATUS PATTERN ARGUMENTS…: what it prints matches
    expected=$1 pattern=$2
    shift 2
    code=0
    timeout 60 "$lathe" ctl "$@" >out 2>err </dev/null || code=$?
    [ $code = "$expected" ] || wrong "ctl $*: exit status $code instead of $expected"
    cat out err >both
    grep -q -e "$pattern" both || wrong "ctl $*: no '$pattern' in: $(cat both)"
    [ "$expected" = 0 ] && [ -s err ] && wrong "ctl $*: speaks on standard error"
    [ "$expected" = 0 ] || [ ! -s out ] || [ "${json-}" ] || wrong "ctl $*: speaks on standard output"
    return 0
}
status() { "$lathe" ctl "$name" status --json | sed -n "s/.*\"$1\":\"*\([^\",}]*\).*/\1/p"; }
journal() { # PATTERN: it comes within five seconds
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        grep -q -e "$1" "$name.log" && return 0
        sleep 0.5
    done
    wrong "no '$1' in the journal"
}

echo "# usage: exit status 2"
name=none
ctl 0 'usage: lathe ctl RUN' --help
ctl 2 'which run shall do what'
ctl 2 'which run shall do what' pause
ctl 2 "'dance' is nothing a run can be told" cnn dance
ctl 2 "did you mean 'pause'" cnn pasue
ctl 2 "'other' is nothing a run can be told" cnn other pause
ctl 2 "'now' is too much" cnn pause now
ctl 2 'set needs KEY=VALUE' cnn set
ctl 2 'is no number of seconds' cnn pause --timeout soon
ctl 2 'takes no configuration' cnn pause --optimizer.lr 1
ctl 2 "unknown argument '--jsno'" cnn status --jsno

echo "# no such live run: exit status 4"
ctl 4 "there is no run 'cnn'" cnn pause
ctl 4 "there is no run 'cnn'" cnn status --json

echo "# pause, checkpoint, validate, set, resume: done at a step, and journaled with who"
start cnn --trainer.max_epochs 100000 --lr_scheduler '{name: constant}' --optimizer '{name: adamw, lr: 0.001}'
until ctl 0 '^done at step [0-9]*: paused$' cnn pause && "$lathe" ctl cnn status | grep -q 'paused (train)'; do
    "$lathe" ctl cnn resume >/dev/null # it was at the end of an epoch
    sleep 0.1
done
ctl 0 '^runs/cnn/version_0: paused (train), pid ' cnn/version_0 status
grep -q 'lr 0.001' out || wrong "no rate in: $(cat out)"
step=$(status step)
sleep 0.5
[ "$(status step)" = "$step" ] || wrong "it goes on while paused"
[ "$(status pid)" = "$pid" ] || wrong "pid $(status pid) instead of $pid"
ctl 0 "^done at step $step: saved runs/cnn/version_0/checkpoints/step=$step.ckpt$" cnn checkpoint
[ -f "runs/cnn/version_0/checkpoints/step=$step.ckpt" ] || wrong "no checkpoint"
ctl 0 "^done at step $step: validated: val/loss [0-9.]*$" runs/cnn/version_0 validate
[ "$(status state)" = paused ] || wrong "no longer paused after a validation"
next=$((step + 1))
ctl 0 "^done at step $step: lr 0.001 -> 0.0005, from step $next on (0.5 times what is configured)$" cnn set 'lr*0.5'
ctl 0 "^done at step $step: lr 0.0005 -> 0.0003, from step $next on (0.3 times what is configured)$" cnn set lr 3e-4
ctl 0 "^done at step $step: lr 0.0003, as it was (0.3 times what is configured)$" cnn set lr=0.0003
[ "$(status lr)" = 0.00029999999999999997 ] || [ "$(status lr)" = 0.0003 ] || wrong "lr $(status lr)"
ctl 0 "lr 0.0003 -> 0.0005, from step $next on" cnn set lr=undo
ctl 0 "lr 0.0005 -> 0.001, from step $next on (as configured)" cnn set lr=undo
ctl 1 'nothing to undo' cnn set lr=undo
ctl 1 "not done at step $step: '-1' is not a learning rate" cnn set lr=-1
ctl 1 "'momentum' cannot be set while a run goes on; what can be: lr, gradient_clip_val, .*: lathe fit --branch" cnn set momentum=0.9
ctl 0 "gradient_clip_val 5 -> 0.5, from step $next on (5 is configured)$" cnn set gradient_clip_val 0.5
ctl 0 "gradient_clip_val 0.5 -> null, from step" cnn set trainer.gradient_clip_val=null
ctl 0 "gradient_clip_val null -> 0.5, from step" cnn set gradient_clip_val=undo
ctl 0 "gradient_clip_val 0.5 -> 5, from step $next on (as configured)$" cnn set gradient_clip_val=undo
ctl 1 'nothing to undo: gradient_clip_val is 5, as configured' cnn set gradient_clip_val=undo
ctl 1 "gradient_clip_val: -1 is not possible: it must be at least 0" cnn set gradient_clip_val=-1
ctl 1 "gradient_clip_val: 'x' is not a number" cnn set gradient_clip_val=x
ctl 1 'to what? like max_epochs=VALUE, or max_epochs=undo' cnn set 'max_epochs*2'
ctl 1 'then the run had no end' cnn set max_epochs=-1
ctl 0 'max_epochs 100000 -> 90000, from step' cnn set max_epochs=90000
[ "$(status epochs)" = 90000 ] || wrong "$(status epochs) epochs"
ctl 0 'max_epochs 90000, as it was' cnn set max_epochs=90000
ctl 0 'log_every_n_steps 1 -> 2, from step' cnn set log_every_n_steps 2
ctl 0 'limit_val_batches 1.0 -> 1, from step' cnn set limit_val_batches 1
ctl 0 'limit_val_batches 1 -> 0, from step' cnn set limit_val_batches 0
ctl 1 'there are no validation data' cnn validate
ctl 0 'limit_val_batches 0 -> 1, from step' cnn set limit_val_batches=undo
ctl 1 'patience: there is no early_stopping among trainer.callbacks' cnn set patience=5
grep -q '"key": *"max_epochs", *"value": *"90000"' runs/cnn/version_0/documents/settings.json || wrong "$(cat runs/cnn/version_0/documents/settings.json)"
json=1 ctl 0 '^{"done":true,"step":[0-9]*,"text":"lr 0.001 -> 0.002, from step [0-9]* on (2 times what is configured)"}$' cnn set 'lr*2' --json
json=1 ctl 1 '^{"done":false,"step":[0-9]*,"text":"' cnn set 'lr*x' --json
ctl 0 '^done at step [0-9]*: running$' cnn resume
for event in 'pause info: paused, by viewer [0-9]* ([^ ,]*, pid [0-9]*, [a-z/0-9 ]*)$' 'command info: saved .*step=.*, by viewer' 'command info: validated: .* by viewer' \
    "lr info: lr 0.001 -> 0.0005, from step $next on .*, by viewer" \
    "setting info: gradient_clip_val 5 -> 0.5, from step $next on .*, by viewer" 'command warning: set max_epochs=-1 not done: .*; by viewer' 'command warning: set lr=-1 not done: .*; by viewer' \
    'continue info: running, by viewer'; do journal "step $step event $event"; done

echo "# one that does not answer in time: exit status 1, and it obeys later"
kill -STOP "$pid"
ctl 1 'no answer within 0.3 s' cnn pause --timeout 0.3
kill -CONT "$pid"

echo "# save_and_stop is over when the run is; then there is nobody to ask"
ctl 0 '^done at step [0-9]*: stopped by viewer .*; saved runs/cnn/version_0/checkpoints/last.ckpt' cnn save_and_stop
code=0
wait "$pid" || code=$?
[ $code = 130 ] || wrong "exit status $code instead of 130"
[ -f runs/cnn/version_0/checkpoints/last.ckpt ] || wrong "nothing saved"
ctl 4 'is not going on; go on from its last checkpoint with: lathe fit --resume runs/cnn/version_0' cnn pause
ctl 4 'is not going on' runs/cnn/version_0 status

echo "# stop does not save; what cannot be done says why"
start bare --trainer.max_epochs 100000 --trainer.limit_val_batches 0 --trainer.callbacks '[]'
ctl 1 'there are no validation data' bare validate
ctl 0 '^done at step [0-9]*: stopped by viewer .* without saving' bare stop
code=0
wait "$pid" || code=$?
[ $code = 130 ] || wrong "exit status $code instead of 130"
pid=

echo "# a run that is killed while one waits for its answer"
start dies --trainer.max_epochs 100000
kill -STOP "$pid"
(
    sleep 0.5
    kill -KILL "$pid"
) &
ctl 1 'not done: the run hung up without an answer' dies checkpoint
wait "$pid" || true
pid=
ctl 4 'is not going on' dies checkpoint

echo "# protect: save_top_k leaves it alone; unprotect"
start keep --trainer.max_epochs 4 --trainer.callbacks '[{model_checkpoint: {filename: "{epoch}", save_top_k: 1}}]'
until [ -f runs/keep/version_0/checkpoints/epoch=0.ckpt ]; do sleep 0.05; done
ctl 0 paused keep pause
kept=$(basename "$(ls runs/keep/version_0/checkpoints/epoch=*.ckpt)")
ctl 0 "$kept is protected" keep protect "$kept"
ctl 0 "$kept is protected" keep protect "runs/keep/version_0/checkpoints/$kept"
ctl 0 "$kept is no longer protected" keep unprotect "$kept"
ctl 1 "$kept is not protected" keep unprotect "$kept"
ctl 0 "$kept is protected" keep protect "$kept"
ctl 1 'there is no checkpoint runs/keep/version_0/checkpoints/epoch=99.ckpt' keep protect epoch=99.ckpt
ctl 1 'last.ckpt is replaced at each save' keep protect last.ckpt
ctl 1 'there is no checkpoint ../../../../etc/passwd' keep protect ../../../../etc/passwd
ctl 1 'nothing here stops early' keep veto
ctl 0 running keep resume
wait "$pid" || wrong "the training failed"
pid=
journal "event command info: $kept is protected, by viewer"
journal "event checkpoint info: kept $kept: it is protected"
[ -f "runs/keep/version_0/checkpoints/$kept" ] || wrong "$kept is gone"
[ "$(ls runs/keep/version_0/checkpoints/epoch=*.ckpt | wc -l)" = 2 ] || wrong "kept: $(ls runs/keep/version_0/checkpoints)"

echo "# veto: patience starts anew"
start early --trainer.max_epochs 200 --optimizer.lr 0 --trainer.limit_train_batches 4 --trainer.limit_val_batches 1 \
    --trainer.callbacks '[{early_stopping: {monitor: val/loss, patience: 15}}]'
until [ "$(status step)" -ge 12 ]; do sleep 0.02; done
ctl 0 'done at step .*: patience starts anew' early veto
wait "$pid" || wrong "the training failed"
pid=
journal 'event early_stop info: patience starts anew, by viewer'
vetoed=$(sed -n 's/^step \([0-9]*\) event early_stop info: patience.*/\1/p' early.log)
stopped=$(sed -n 's/^step \([0-9]*\) event early_stop info: early_stopping: .*/\1/p' early.log)
[ "$stopped" -gt "$((vetoed + 14 * 4))" ] || wrong "vetoed at step $vetoed, stopped at $stopped"

start held --trainer.max_epochs 200000 --trainer.min_epochs 100000 --optimizer.lr 0 --trainer.limit_train_batches 2 \
    --trainer.callbacks '[{early_stopping: {monitor: val/loss, patience: 1}}]'
journal 'event early_stop info: early_stopping: val/loss did not improve'
ctl 0 'the stop is withdrawn (val/loss did not improve on .*), patience starts anew' held veto
ctl 0 'without saving' held stop
wait "$pid" || true
pid=

echo "# a patience that is set; a run that is told to end earlier, and does"
start patient --trainer.max_epochs 200000 --optimizer.lr 0 --trainer.limit_train_batches 2 --trainer.limit_val_batches 1 \
    --trainer.callbacks '[{early_stopping: {monitor: val/loss, patience: 100000}}]'
ctl 0 'patience 100000 -> 1, from step' patient set patience=1
wait "$pid" || wrong "the training failed"
journal 'event early_stop info: early_stopping: val/loss did not improve'
start shorter --trainer.max_epochs 200000
ctl 0 paused shorter pause
last=$(($(status step) + 20))
ctl 0 "max_steps -1 -> $last, from step" shorter set max_steps=$last
ctl 0 running shorter resume
wait "$pid" || wrong "the training failed"
journal "finished .* epochs, $last steps"
pid=

echo "# an end inside an epoch that is moved on: the loader was told of the first"
start longer --data.batch_size 1 --trainer.max_steps 1200 --trainer.max_epochs 1 --trainer.num_sanity_val_steps 0
ctl 0 paused longer pause
ctl 0 "max_steps 1200 -> 1300, from step" longer set max_steps=1300
ctl 0 running longer resume
wait "$pid" || wrong "the training failed"
journal "finished .* epochs, 1300 steps"
pid=

echo "# a rate set by hand under a schedule: resumed from a checkpoint in the middle, the same bits"
start whole --trainer.max_epochs 3 --trainer.gradient_clip_val 5 --lr_scheduler '{name: cosine_annealing, interval: step}'
ctl 0 paused whole pause
step=$(status step)
ctl 0 'lr .* -> 0.0007, from step' whole set lr=7e-4
ctl 0 'lr 0.0007 -> 0.00035, from step' whole set 'lr*0.5'
ctl 0 'gradient_clip_val 5 -> 0.25, from step' whole set gradient_clip_val=0.25
ctl 0 'max_epochs 3 -> 4, from step .* (3 is configured); the schedule cosine_annealing stretches with it: lr ' whole set max_epochs=4
ctl 0 "saved .*step=$step.ckpt" whole checkpoint
ctl 0 running whole resume
wait "$pid" || wrong "the training failed"
weights() {
    "$lathe" export runs/whole/version_0 --output weights.safetensors >/dev/null
    cksum <weights.safetensors
}
weights >whole.weights
name=again
"$lathe" fit --headless --resume "runs/whole/version_0/checkpoints/step=$step.ckpt" >again.log 2>&1 || wrong "cannot resume"
journal "event lr warning: the rate goes on at .*times what is configured, as it was set; .lathe ctl runs/whole/version_0 set lr=undo. takes"
journal "event setting warning: max_epochs goes on at 4 as it was set (3 is configured); .lathe ctl runs/whole/version_0 set max_epochs=undo. takes"
weights | cmp - whole.weights || wrong "other weights after the resume"

echo "# undo reaches back over a resume"
"$lathe" fit --headless --resume "runs/whole/version_0/checkpoints/step=$step.ckpt" --trainer.max_epochs 100000 >again.log 2>&1 </dev/null &
pid=$!
until "$lathe" ctl whole pause >out 2>err; do
    kill -0 "$pid" || wrong "the training did not start"
    sleep 0.05
done
ctl 0 'lr .* -> .*, from step' whole set lr=undo
ctl 0 '(as configured)' whole set lr=undo
ctl 1 'nothing to undo' whole set lr=undo
"$lathe" ctl whole status --json | grep -q '"epochs":100000,' || wrong "what the command line configures does not win"
ctl 0 'gradient_clip_val 0.25 -> 5, from step .* (as configured)' whole set gradient_clip_val=undo
ctl 0 'without saving' whole stop
wait "$pid" || true
pid=
echo "all good"
