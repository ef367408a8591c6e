#!/bin/sh
# One screen on a training: every view by its key, two hundred sizes, stopped and continued; steps go on all the while, and the screen is
# whole again each time.
set -eu
. "$(dirname "$0")/terminal.sh"
open 120 40 "$fit"
expect 'best val/acc'

echo "# every view by its digit, by Tab and back, its help over it"
show() { # KEY WORDS
    keys "$1"
    expect "$2"
    moves
}
show 1 'accuracy'
show 2 'of 6 charts'
show 3 'no norms yet; callbacks: [gradient_monitor]'
show 4 'slowest steps'
show 5 'batches ready'
show 6 'CPU, % of a core'
show 7 'following'
show 8 'parameters,'
show Tab 'accuracy'
show BTab 'parameters,'
for view in 1 2 3 4 5 6 7 8; do
    keys $view '?'
    expect 'write a checkpoint now'
    keys Escape
done

echo "# a storm of 200 sizes, in every view"
before=$(status step)
seed=7
for i in $(seq 200); do
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    resize $((1 + seed / 65536 % 220)) $((1 + seed / 256 % 70))
    [ $((i % 25)) != 0 ] || keys $((i / 25))
done
beyond "$before" || wrong "no step was made"
resize 18 4
expect 'lathe needs 20x5'
resize 20 6
keys 1
expect 'loss'
resize 120 40
expect 'gradient norm'
moves
[ "$(screen | wc -l)" = 40 ] || wrong "not 40 lines"

echo "# stopped by the keyboard's Ctrl-Z and by a signal, continued at another size"
open 100 30 "$lathe attach"
tell_tmux respawn-pane -k -t s "env TERM=screen-256color bash --norc"
keys "$lathe attach" Enter
expect 'running  step'
for how in key signal; do
    if [ $how = key ]; then keys C-z; else kill -TSTP "$(viewer)"; fi
    expect 'Stopped'
    [ "$(flag alternate_on)$(flag cursor_flag)" = 01 ] || wrong 'the terminal is not given back'
    goes_on
    resize 80 24
    keys fg Enter
    expect 'running  step'
    moves
    resize 100 30
    expect 'p pause'
done
keys q d
expect 'detached; the training goes on'
goes_on

echo "# SIGTERM to the screen is no SIGTERM to the training"
keys "$lathe attach" Enter
expect 'running  step'
viewer=$(viewer)
kill -TERM "$viewer"
until_so gone "$viewer"
goes_on
echo "all good"
