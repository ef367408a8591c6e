#!/bin/sh
# Whatever becomes of screens, the training goes on: terminals that die (SIGHUP) and come back at other sizes, several screens at once, one
# that is killed, one that stands still. And when the training itself is killed, its screens say so and what to do.
set -eu
. "$(dirname "$0")/terminal.sh"
open 90 26 "$fit"
expect 'best val/acc'

echo "# the terminal dies three times; another one, of another size, brings the screen back: pause, checkpoint, resume, detach"
for size in 120x40 60x18 200x60; do
    close
    goes_on
    open "${size%x*}" "${size#*x}" "$lathe attach"
    expect 'running  step'
    keys p
    expect 'pause: done at step'
    until_so is state paused
    at=$(status step)
    keys c
    expect 'checkpoint: done at step'
    [ -f "runs/cnn/version_0/checkpoints/step=$at.ckpt" ] || wrong "no checkpoint of step $at"
    is step "$at" || wrong "it went on while paused"
    keys p
    expect 'resume: done at step'
    goes_on
    keys q d
    expect 'detached; the training goes on. Come back with: lathe attach'
    expect 'EXIT 0'
    goes_on
done

echo "# two screens, of different sizes; one only looks and is refused, politely"
open 120 40 "$lathe attach"
expect 'running  step'
session=second
open 70 20 "$lathe attach cnn --read-only"
expect 'running  step'
for key in p c v; do
    keys $key
    expect 'not done: this screen only looks'
done
keys :
keys 'set lr*0.5' Enter
expect 'set: not done: this screen only looks'
is lr_factor 1.0 || wrong "a screen that only looks changed the rate to $(status lr_factor)"
is state running || wrong "a screen that only looks stopped the training: $(status state)"

echo "# one screen is killed, one stands still: the training and the other screen do not mind"
session=s
kill -KILL "$(viewer)"
expect 'EXIT 137'
session=second
moves
goes_on
kill -STOP "$(viewer)"
goes_on
session=s
open 100 30 "$lathe attach"
expect 'running  step'
moves
session=second
kill -CONT "$(viewer)"
moves

echo "# the training is killed while both look: each says so and offers its log; one opens it, the other is told what to type"
kill -KILL "$(status pid)"
for session in s second; do
    expect 'the run is gone without a word'
    expect 'open its log'
    expect 'killed  step'
done
keys n
expect 'the run is gone; q opens its log, or leaves'
keys p
expect 'not done: the run is gone'
keys q q
expect 'lathe fit --resume'
expect 'what it logged: lathe view'
expect 'EXIT 1'
session=s
keys o
keys 7
expect 'checkpoint'
keys q
expect 'lathe fit --resume'
expect 'EXIT 1'
open 100 30 "$lathe view cnn"
expect 'killed  step'
keys q
expect 'EXIT 0'
open 100 30 "$lathe attach cnn"
expect 'is not going on; go on from its last checkpoint with: lathe fit'

echo "# the child of the screen that started it: the signal is named"
open 100 30 "$fit"
expect 'running  step'
kill -KILL "$(status pid)"
expect 'the run is gone without a word'
keys Down Enter
expect 'the run was ended by signal 9 (Killed)'
echo "all good"
