#!/bin/sh
# The same seed gives the same bits for 1, 2, 3 and 8 threads, and while another process takes a core; in both
# precisions, with and without the cache of decoded pictures.
set -eu
lathe=${LATHE_BINARY:?}
folder=$(mktemp -d)
busy=
trap 'rm -rf "$folder"; [ -z "$busy" ] || kill "$busy" 2>/dev/null || true' EXIT
cd "$folder"
export XDG_CACHE_HOME="$folder/cache"
fail() { echo "WRONG: $1" >&2; exit 1; }

"$lathe" demo >/dev/null
# train NAME ARGUMENTS…: the weights after twelve steps, in NAME.safetensors
train() {
    name=$1
    shift
    "$lathe" fit --headless -c demo/digits.yaml --run_name "$name" --trainer.max_steps 12 \
        --trainer.limit_val_batches 2 "$@" >log 2>&1 || fail "$name: $(cat log)"
    "$lathe" export "runs/$name/version_0" --output "$name.safetensors" >log 2>&1 || fail "$name: $(cat log)"
}
for precision in 32-true bf16-mixed; do
    train "first-$precision" --trainer.precision $precision --trainer.num_threads 1
    for threads in 2 3 8; do
        train "$threads-$precision" --trainer.precision $precision --trainer.num_threads $threads
        cmp "first-$precision.safetensors" "$threads-$precision.safetensors" || fail "$threads threads, $precision"
    done
    sh -c 'while :; do :; done' &
    busy=$!
    train "load-$precision" --trainer.precision $precision --data.cache decoded
    kill $busy
    busy=
    cmp "first-$precision.safetensors" "load-$precision.safetensors" || fail "another job beside it, $precision"
done
! cmp -s first-32-true.safetensors first-bf16-mixed.safetensors || fail "both precisions give the same"
