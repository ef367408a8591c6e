#!/bin/sh
# lathe fit --branch: a new run from a checkpoint of another, with keys changed: nothing changed = the same bits as going on; what is changed
# is told, what cannot be is refused; no file of the parent is touched.
set -eu
lathe=$LATHE_BINARY
work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work"
trap 'rm -rf "$work"' EXIT
cd "$work"
"$lathe" demo >/dev/null
wrong() {
    echo "WRONG: $*"
    cat out err 2>/dev/null
    exit 1
}
fit() { # ARGUMENTS…: must work
    "$lathe" fit --headless "$@" >out 2>err </dev/null || wrong "fit $*"
}
refused() { # WORDS ARGUMENTS…
    words=$1
    shift
    ! "$lathe" fit --headless "$@" >out 2>err </dev/null || wrong "not refused: $*"
    grep -qF -- "$words" err || wrong "no '$words'"
}
said() { grep -q -e "$1" out || wrong "never said: $1"; }
weights() { # CHECKPOINT OR RUN: their checksum
    "$lathe" export "$1" --output weights.safetensors >/dev/null
    cksum <weights.safetensors
}
files() { (cd "$1" && find . -type f -exec cksum {} +) | sort; }

echo "# the parent: best by val/loss, a checkpoint at each of 4 epochs"
fit -c demo/digits.yaml --trainer.max_epochs 4 --trainer.callbacks '[{model_checkpoint: {filename: "{epoch}", save_top_k: 1}}]' \
    --lr_scheduler '{name: cosine_annealing, T_max: 4}' --run_name parent --optimizer '{name: adamw, lr: 0.001}'
parent=runs/parent/version_0
fit --branch parent/version_0/epoch=3 --trainer.max_epochs 6
said "event start info: branched at step 180; changed: trainer.max_epochs 4 -> 6; from runs/parent/version_0/checkpoints/epoch=3.ckpt$"
rm -rf runs/parent/version_1
cp "$parent/checkpoints/last.ckpt" loose.ckpt
before=$(files $parent)

echo "# nothing changed but the length: the same bits as a resume; a folder, log and configuration of its own"
cp -r $parent resumed
fit --resume resumed --trainer.max_epochs 6
fit --branch parent/version_0 --trainer.max_epochs 6
child=runs/parent/version_1
[ "$(weights $child)" = "$(weights resumed)" ] || wrong "other weights than a resume"
grep -q 'max_epochs: 6' $child/config.yaml || wrong "its configuration is not its own"
[ -f $child/checkpoints/epoch=5.ckpt ] || wrong "no checkpoint of its own"
"$lathe" runs | grep -q "done.*$child" || wrong "not among the runs"

echo "# changed keys are told and hold; the best counts anew"
fit --branch parent/version_0/last --optimizer.lr 3e-4 --trainer.max_epochs 5 --lr_scheduler '{name: constant}' --data.batch_size 64
said 'changed: trainer.max_epochs 4 -> 5, optimizer.lr 0.001 -> 0.0003, lr_scheduler.name'
said 'finished 5 epochs, 203 steps'
said 'best val/.* at step 203'
grep -q '"key": *"optimizer.lr", *"before": *"0.001", *"now": *"0.0003"' runs/parent/version_2/documents/branch.json || wrong "no document"
grep -q "\"checkpoint\": *\"$work/$parent/checkpoints/last.ckpt\"" runs/parent/version_2/documents/branch.json || wrong "no parent"

echo "# from a file, and from a branch of a branch, under another name"
fit --branch loose.ckpt --trainer.max_epochs 5 --run_name other
fit --branch other --trainer.max_epochs 6
said 'branched at step 225; changed: trainer.max_epochs 5 -> 6; from runs/other/version_0/checkpoints/last.ckpt'

echo "# what cannot be another says why, and leaves no folder"
count=$(ls runs/parent | wc -l)
refused "model.name: a branch cannot change it: the weights belong to that model" --branch parent/version_0 --model.name resnet18
refused "optimizer.name: a branch cannot change it" --branch parent/version_0 --optimizer '{name: sgd, lr: 0.1}'
refused "model.weights: a branch cannot change it" --branch parent/version_0 --model.weights loose.ckpt
refused "there is no key 'max_epoch' here; did you mean 'max_epochs'" --branch parent/version_0 --trainer.max_epoch 5
refused "has no checkpoint 'epoch=77'; there are best, last and the files in runs/parent/version" --branch parent/version_0/epoch=77
refused "no run 'nobody' (nor runs/nobody)" --branch nobody
refused 'give one of them' --branch parent/version_0 --resume parent
refused "trainer.max_epochs: nothing is left to train: $parent/checkpoints/last.ckpt stands at step 180, after 4 epochs" \
    --branch parent/version_0 --optimizer.lr 0.1
refused 'trainer.max_steps: nothing is left to train' --branch parent/version_0 --trainer.max_epochs 6 --trainer.max_steps 180
refused 'without -c' --branch parent/version_0 -c demo/digits.yaml
cp -r demo/digits fewer
rm -rf fewer/9
mkdir other
refused 'was trained on other classes' --branch parent/version_0 --data.data_dir fewer --trainer.max_epochs 6
[ "$(ls runs/parent | wc -l)" = "$count" ] || wrong "a folder is left: $(ls runs/parent)"

echo "# inside an epoch its batches are fixed; a shared folder of checkpoints is refused"
fit -c demo/digits.yaml --trainer.max_steps 60 --trainer.max_epochs 5 --run_name cut
refused 'data.batch_size: runs/cut/version_0/checkpoints/last.ckpt stands inside an epoch, at batch 15' --branch cut --data.batch_size 16
fit --branch cut --trainer.max_steps 70 --optimizer.lr 1e-4
said 'finished 1 epochs, 70 steps'
fit -c demo/digits.yaml --trainer.max_epochs 1 --run_name shared --trainer.callbacks '[{model_checkpoint: {dirpath: kept}}]'
refused 'a branch must not write into the checkpoints of its parent' --branch kept/last.ckpt --trainer.max_epochs 2

echo "# settings that were set by hand in the parent are configured in the branch"
"$lathe" fit --detach -c demo/digits.yaml --run_name live --trainer.max_epochs 100000 --lr_scheduler '{name: constant}' \
    --optimizer '{name: adamw, lr: 0.001}' >out 2>err </dev/null || wrong "no detached run"
said '^runs/live/version_0 goes on in the background; its screen: lathe attach runs/live/version_0$'
i=0
until "$lathe" ctl live pause >/dev/null 2>&1; do
    i=$((i + 1))
    [ $i -lt 100 ] || wrong "it did not start"
    sleep 0.1
done
"$lathe" ctl live set max_epochs=9 >/dev/null
"$lathe" ctl live set 'lr*0.5' >/dev/null
step=$("$lathe" ctl live save_and_stop | sed -n 's/^done at step \([0-9]*\):.*/\1/p')
fit --branch live --trainer.max_steps $((step + 5))
said "branched at step $step; changed: trainer.max_steps -1 -> $((step + 5)); from"
said 'the rate goes on at 0.0005'
grep -q 'max_epochs: 9' runs/live/version_1/config.yaml || wrong "$(cat runs/live/version_1/config.yaml)"
fit --branch live --trainer.max_steps $((step + 10)) --optimizer.lr 0.001
! grep -q 'the rate goes on at' out || wrong "the rate that was named does not hold"

echo "# the parent is as it was"
echo "$before" >before; files $parent | diff before - || wrong "the parent's files changed"
echo "all good"
