#!/bin/sh
# lathe view in a real terminal (tmux): a finished run, a growing one to its end, one that was killed, two side by side; what is no log is
# refused in words.
set -eu
. "$(dirname "$0")/terminal.sh"

refused() { # WORDS ARGUMENT…: view refuses with these words
    words=$1
    shift
    ! "$lathe" view "$@" 2>said >/dev/null || { echo "not refused: $*"; exit 1; }
    grep -qF -- "$words" said || { echo "'$words' is not in: $(cat said)"; exit 1; }
}

echo "# a run that is over: everything it logged, and no key hurts"
"$lathe" fit -c demo/digits.yaml --trainer.max_epochs 4 --headless >/dev/null
first=runs/cnn/version_0
open 120 40 "$lathe view cnn/version_0"
for words in 'done  step 180/180' 'best val/acc 0.' 'clip 5' 'finished 4 epochs' 'step time'; do expect "$words"; done
sum=$(cksum <$first/run.h5)
keys p
expect 'this is a stored run; attach steers a living one'
keys c
keys 2
expect 'val/f1'
keys q
expect 'EXIT 0'
[ "$(cksum <$first/run.h5)" = "$sum" ]

echo "# one that goes on: it grows on the screen"
"$lathe" fit -c demo/digits.yaml --trainer.max_epochs 2000 --headless >/dev/null &
training=$!
second=runs/cnn/version_1
until_so test -f $second/run.h5
open 100 30 "$lathe view $second/run.h5"
expect 'running  step'
i=0
until [ "$(step)" -gt 100 ]; do i=$((i + 1)); [ $i -lt 300 ] || exit 1; sleep 0.1; done
before=$(step)
i=0
until [ "$(step)" -gt "$before" ]; do i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done
expect 'val/acc'

echo "# killed under the eyes of the screen: it says so, with the last heartbeat"
kill -KILL "$training"
wait "$training" 2>/dev/null || true
expect 'killed  step'
expect 'last heartbeat'
open 100 30 "$lathe view $second"
expect 'killed  step'
keys q
expect 'EXIT 0'

echo "# two side by side; the reader of a log dying is told, and the terminal is sane"
open 100 30 "$lathe view $first $second"
expect 'done  step 180/180'
view=$(viewer)
kill -SEGV "$(pgrep -P "$view" | head -n 1)"
expect 'cannot be read: HDF5 ended with signal 11'
expect 'EXIT 1'
! pgrep -P "$view" >/dev/null || { echo "readers outlive their screen"; exit 1; }

echo "# what is no log"
refused 'view which run?'
refused "there is no run and no file 'no/such'" no/such
refused 'there is no demo/run.h5' demo
echo text >text.h5
refused 'text.h5 is no HDF5 file' text.h5
head -c 20000 $first/run.h5 >short.h5
refused 'short.h5 ends too early' short.h5
refused 'text.h5 is no HDF5 file' $first text.h5
refused 'view needs a terminal' $first

echo "# --plain tells it in sentences, and ends with the log"
"$lathe" view $first --plain >plain.txt
for words in '^The run ' ' trains cnn on cpu' '^At step 180: finished' 'Epoch .* validation loss [0-9.]*\.$'; do
    grep -q -- "$words" plain.txt || { echo "not told: $words"; cat plain.txt; exit 1; }
done
refused 'one run at a time' $first $first --plain
"$lathe" view --help | grep -q 'attach'
echo "all good"
