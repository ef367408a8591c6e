#!/bin/sh
# lathe plan against the run: the arena to the byte (the run's own record), the process's peak within a tenth, refusals.
set -eu
lathe=${LATHE_BINARY:?}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
fail() { echo "WRONG: $1" >&2; exit 1; }
number() { sed -n "s/.*\"$2\": \([0-9]*\).*/\1/p" "$1" | head -n 1; }

"$lathe" demo >/dev/null
# a fit in the background, its peak of memory as the kernel counts it
peak() {
    "$lathe" fit --headless -c demo/digits.yaml "$@" >log 2>&1 &
    most=0
    while now=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' /proc/$!/status 2>/dev/null) && [ -n "$now" ]; do
        most=$now
        sleep 0.02
    done
    wait $! || fail "fit $*: $(cat log)"
    echo $((most * 1024))
}
check() {
    "$lathe" plan --json -c demo/digits.yaml "$@" >plan.json || fail "plan $*"
    most=$(peak "$@")
    predicted=$(number plan.json process_bytes)
    off=$(((predicted - most) * 100 / most))
    echo "$*: predicted $predicted, was $most: $off %"
    [ $off -ge -10 ] && [ $off -le 10 ] || fail "the process needed $most bytes, the plan said $predicted"
    [ "$(number plan.json arena_bytes)" = "$(sed -n 's/.*an arena \([0-9]*\) bytes.*/\1/p' log | head -n 1)" ] ||
        fail "the run has another arena than the plan: $(grep arena log)"
}
check --trainer.max_epochs 2
check --trainer.max_epochs 1 --model.name resnet18 --data.batch_size 64 --trainer.limit_train_batches 4

"$lathe" plan -c demo/digits.yaml >text
grep -q '242474 parameters' text || fail "the number of parameters"
[ "$(wc -L <text)" -le 80 ] || fail "lines of $(wc -L <text) columns"
status=0
"$lathe" plan -c demo/digits.yaml --model.name resnet50 --data.batch_size 65536 >text 2>&1 || status=$?
[ $status -ne 0 ] || fail "resnet50 with a batch of 65536 fits, says the plan"
grep -q 'lower data.batch_size' text || fail "$(tail -n 1 text)"
status=0
"$lathe" fit --headless -c demo/digits.yaml --model.name resnet50 --data.batch_size 65536 >text 2>&1 || status=$?
[ $status -ne 0 ] && [ ! -e runs/cnn/version_9 ] && grep -q 'lower data.batch_size' text || fail "fit: $(cat text)"
"$lathe" plan 2>text && fail "plan without a configuration"
grep -q 'lathe plan -c run.yaml' text || fail "$(cat text)"
