#!/bin/sh
# Trainings that something holds up, live: a slow disk, too few workers, tiny batches, checkpoints all the time, other programs. Each
# is to be told by its verdict, and its slowest steps by their cause. All but the tiny batches outdo what else the machine does.
set -eu
lathe=$LATHE_BINARY
work=$(mktemp -d)
busy=
export XDG_RUNTIME_DIR="$work"
trap '[ -z "$busy" ] || kill $busy 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
"$lathe" demo >/dev/null

stage() { # NAME VERDICT CAUSE [OPTION VALUE]…: trains for some seconds; what lathe profile says then
    name=$1 verdict=$2 cause=$3
    shift 3
    echo "# $name"
    "$lathe" fit --headless -c demo/digits.yaml --run_name "$name" --trainer.max_epochs 100000 --trainer.max_time 6 \
        --trainer.num_sanity_val_steps 0 --trainer.limit_val_batches 0 --trainer.callbacks '[]' "$@" >"$name.log" 2>&1 || {
        tail -n 3 "$name.log"
        exit 1
    }
    "$lathe" profile "$name/version_0" >"$name.txt"
    sed -n '3p' "$name.txt"
    sed -n '3p' "$name.txt" | grep -q "$verdict" || { echo "WRONG: no '$verdict'"; wrong=1; }
    sed -n '/^Slowest steps/,/^Up to/p' "$name.txt" | grep -q "$cause" || {
        echo "WRONG: no step because of '$cause'"
        sed -n '/^Slowest steps/,/^Up to/p' "$name.txt"
        wrong=1
    }
}
wrong=0
small='[{random_resized_crop: 16}, {normalize: imagenet}]' small_val='[{resize: 16}, {center_crop: 16}, {normalize: imagenet}]'

cat >slow.c <<'C'
/* A disk that takes 20 ms to open a picture. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

FILE *fopen(const char *path, const char *mode)
{
    const size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, ".png") == 0)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    return ((FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen"))(path, mode);
}
C
if cc -D_GNU_SOURCE -shared -fPIC -o slow.so slow.c -ldl 2>cc.log; then
    export LD_PRELOAD="$work/slow.so"
    stage slow_disk "Input-bound: .*reading files" "data wait" --data.num_workers 1
    unset LD_PRELOAD
else
    echo "no C compiler: no slow disk"
fi
stage few_workers "Input-bound: .* from 1 worker" "data wait" --data.num_workers 1 \
    --data.train_transforms '[{resize: 1600}, {random_resized_crop: 16}, {normalize: imagenet}]' --data.val_transforms "$small_val"
if [ "$(cut -d. -f1 /proc/loadavg)" -ge "$(nproc)" ]; then
    echo "other load on this machine: no tiny batches"
else
    stage tiny_batch "Tiny steps: .*Raise data.batch_size" . --data.batch_size 1 --data.train_transforms "$small" --data.val_transforms "$small_val"
fi
stage saves "Save stalls: " "checkpoint" --trainer.checkpoint_every 0.001 --model.name resnet18 --data.batch_size 4 \
    --data.train_transforms "$small" --data.val_transforms "$small_val"
for _ in $(seq $(($(nproc) * 2))); do
    sh -c 'while :; do :; done' &
    busy="$busy $!"
done
stage others "Other load: " "other load" --trainer.num_threads "$(nproc)"
exit $wrong
