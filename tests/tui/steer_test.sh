#!/bin/sh
# Steering from the keyboard: the box of the colon with right and wrong words, settings set and taken back, a veto, a protected checkpoint,
# a branch with changed settings; who asked for what and when stands in the journal.
set -eu
. "$(dirname "$0")/terminal.sh"
open 120 40 "$fit --trainer.callbacks '[{model_checkpoint: {filename: \"{epoch}\", monitor: val/loss, save_top_k: 2}}, {early_stopping: {monitor: val/loss, patience: 10000}}]'"
expect 'best val/loss'
command() { # WORDS: typed behind a colon
    keys :
    expect 'tell the run'
    keys -l "$1"
    keys Enter
}

echo "# what is no command is said, and can be mended"
command dance
expect "'dance' is nothing a run can be told"
keys C-u
keys -l paus
keys Tab Enter
expect 'pause: done at step'
until_so is state paused
command 'set'
expect 'set needs KEY=VALUE'
keys Escape

echo "# settings: set, refused, taken back; the box shows what they are"
command 'set max_epochs=400'
expect 'max_epochs 20000 -> 400, from step'
until_so is epochs 400
command 'set max_epochs=many'
expect "not done: max_epochs: 'many' is not a whole number"
command 'set momentum=0.9'
expect "not done: 'momentum' cannot be set while a run goes on"
command 'set gradient_clip_val 0.5'
expect 'gradient_clip_val 5 -> 0.5'
keys :
keys -l 'set max_e'
expect '400 '
keys Escape
keys 8
expect 'set while it goes on'
expect 'gradient_clip_val            0.5'
command 'set max_epochs=undo'
expect 'max_epochs 400 -> 20000, from step'
command 'set patience=9000'
expect 'patience 10000 -> 9000'
keys 1 ']'
expect 'Enter asks'
keys Enter
expect 'set lr*2: done at step'
keys '[' u
expect 'set lr=undo: done at step'
until_so is lr_factor 1.0

echo "# a veto; a checkpoint that is protected, and no longer"
command veto
expect 'veto: done at step'
expect 'patience starts anew'
keys 8 /
keys -l 'epoch='
keys Enter Home d
expect 'is protected'
expect '(protected)'
keys d
expect 'is no longer protected'

echo "# the journal says who asked, what and when"
keys 7
for words in "setting       max_epochs 20000 -> 400, from step" "not done: max_epochs: 'many' is not a whole number; by viewer 1 (" \
    'early_stop    patience starts anew' 'is no longer protected, by viewer 1 (' "pid $(viewer), pts/"; do expect "$words"; done

echo "# a branch: what is wrong is said in its box; then it starts, and says what it is"
keys 8
keys b
expect 'a new run from epoch='
keys -l 'optimizer.lrr=1'
keys Enter
expect "optimizer.lrr: there is no key 'lrr' here; did you mean 'lr'?"
keys C-u
keys -l 'model.name=resnet18'
keys Enter
expect 'model.name: a branch cannot change it'
keys C-u
keys -l 'optimizer.l'
keys Tab
keys -l '3e-4 lr_scheduler={name: constant}'
keys Enter
expect 'branched: runs/cnn/version_1 goes on in the background; its screen: lathe attach runs/cnn/version_1'
run=cnn/version_0
until_so is state paused
run=cnn/version_1
goes_on
is lr 0.00029999999999999997 || is lr 0.0003 || wrong "its rate is $(status lr)"
session=second
open 120 40 "$lathe attach cnn/version_1"
expect 'running  step'
keys 8
for words in 'a branch, from step ' 'version_0/checkpoints/epoch=' 'optimizer.lr                 0.003 -> 0.0003'; do expect "$words"; done
keys 7 Home
expect 'branched at step'
keys q x
expect 'the run ended'
keys q
expect 'EXIT 130'
echo "all good"
