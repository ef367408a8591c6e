#!/bin/sh
# The run in sentences, for screen readers: what happens is told, words are obeyed, nothing steers the terminal.
set -eu
lathe=$LATHE_BINARY
work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work" XDG_CONFIG_HOME="$work" TERM=dumb
trap 'rm -rf "$work"' EXIT
cd "$work"
"$lathe" demo >/dev/null
wrong() { echo "WRONG: $1"; cat out; exit 1; }
told() { grep -qF -- "$1" out || wrong "never told: $1"; }
wait_for() { # WORDS: told within ten seconds
    i=0
    until grep -qF -- "$1" out; do
        i=$((i + 1))
        [ $i -lt 100 ] || wrong "never told: $1"
        sleep 0.1
    done
}

echo "# a training from its start: pause, status, a second listener, save and stop by words"
mkfifo words
"$lathe" fit --plain -c demo/digits.yaml --trainer.max_epochs 2000 <words >out 2>&1 &
exec 3>words
wait_for 'The run cnn/version_0 trains cnn on cpu'
wait_for 'Epoch 1 of 2000 is done: training loss'
echo pause >&3
wait_for 'Your pause is done at step'
wait_for 'Training is paused, step'
echo status >&3
wait_for '; paused.'
"$lathe" attach --plain --read-only </dev/null >second 2>&1 &
second=$!
sleep 0.7
kill "$second"
wait "$second" || true
grep -q 'Training is paused, step' second
grep -q 'detached; the training goes on' second
echo nonsense >&3
wait_for 'writes a checkpoint now'
echo 'set lr 3e-4' >&3
wait_for 'Your set lr=3e-4 is done'
echo 'set max_epochs=many' >&3
wait_for "'many' is not a whole number"
echo 'pause now' >&3
wait_for "Not asked: 'now' is too much"
echo 'save and stop' >&3
wait_for 'Your save_and_stop is done'
status=0
wait %1 || status=$?
[ "$status" = 130 ] || wrong "exit status $status"
exec 3>&-
! grep -q "$(printf '\033')" out || wrong "an escape sequence"
echo "all good"
