#!/bin/sh
# The screen in a real terminal (tmux): bars and charts move, p pauses, c saves, the menu, detach and attach, the line dropping, a killed
# screen, a run that crashes, a terminal that is too small or unknown.
set -eu
. "$(dirname "$0")/terminal.sh"

echo "# at 80x24: everything is there and moves"
open 80 24 "$fit"
expect 'running  step'
for words in 'epoch ' 'batch ' 'valid ' 'loss' 'accuracy' 'gradient norm' 'learning rate' 'step time' 'events' 'p pause'; do expect "$words"; done
expect 'best val/acc 0.9'
moves

echo "# p pauses: the step and the clock stand still"
keys p
expect 'paused  step'
expect 'pause: done at step'
line=$(screen | sed -n 1p)
sleep 1.2
[ "$(screen | sed -n 1p)" = "$line" ]

echo "# c saves while paused, and says where; p goes on"
keys c
expect 'checkpoint: done at step'
[ -f "runs/cnn/version_0/checkpoints/step=$(step).ckpt" ]
keys p
expect 'resume: done at step'
moves

echo "# help and the quit menu; detach leaves the training going"
keys '?'
expect 'write a checkpoint now'
keys Escape
keys q
for words in 'detach' 'save and stop' 'ends without saving' 'stay'; do expect "$words"; done
keys d
expect 'detached; the training goes on'
expect 'EXIT 0'

echo "# attach brings it back, at another size; the terminal dying (SIGHUP) and kill -9 of a screen do not hurt"
open 120 40 "$lathe attach"
expect 'running  step'
before=$(step)
open 100 30 "$lathe attach runs/cnn/version_0"
expect 'running  step'
[ "$(step)" -ge "$before" ]
kill -KILL "$(viewer)"
expect 'EXIT 137'
"$lathe" runs | grep -q '^running'

echo "# a second screen may only look"
open 100 30 "$lathe attach --read-only"
expect 'running  step'
keys p
expect 'only looks'
expect 'running  step'

echo "# a storm of sizes; too small is a sentence"
for size in 300x80 20x6 33x9 81x25 200x60 18x5; do resize "${size%x*}" "${size#*x}"; sleep 0.1; done
expect 'lathe needs 20x5'
resize 100 30
expect 'gradient norm'

echo "# every view by its digit, keys of charts, text that is typed"
keys 2
expect 'of 6 charts'
keys / l o s s Enter
expect '1 of 1 charts'
keys Enter h h
expect 'step '
keys 3
expect 'no norms yet; callbacks: [gradient_monitor]'
for words in 'slowest steps' 'batches ready' 'CPU, % of a core' 'following' 'parameters,'; do
    keys Tab
    expect "$words"
done
keys Tab
expect 'learning rate'

echo "# a run that crashes leaves a sane terminal and a reason"
kill -SEGV "$(status pid)"
expect 'is gone without a word'
keys q
expect 'lathe fit --resume runs/cnn/version_0'
expect 'what it logged: lathe view runs/cnn/version_0'
expect 'EXIT 1'
"$lathe" runs | grep -q '^killed'

echo "# Ctrl-C twice saves and stops; exit status 130"
open 80 24 "$lathe fit --resume runs/cnn/version_0"
expect 'running  step'
keys C-c
expect 'leave?'
keys C-c
expect 'the run ended'
keys q
expect 'stopped by viewer'
expect 'EXIT 130'

echo "# ASCII where the locale has no more; plain lines where the terminal is unknown"
open 80 24 "LC_ALL=C TERM=vt100 $fit"
expect 'running  step'
screen | LC_ALL=C grep -q '[^ -~]' && { echo "not ASCII"; screen; exit 1; }
open 80 24 "TERM=nonesuch $lathe fit -c $work/demo/digits.yaml --trainer.max_epochs 1"
expect 'no screen: this terminal (TERM) is not known here'
expect 'EXIT 0'
echo "all good"
