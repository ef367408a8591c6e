#!/bin/sh
# sh tests/bench/peers.sh [ROUNDS [ROW…]]: lathe beside PyTorch, torchvision, OpenCV and Lightning on the same work, in
# alternating rounds, a process of each. Prints every round, then one table: medians, spreads, and how many times faster
# lathe is (the median of the rounds' ratios). Rows are named as below; all of them take about an hour. Needs
# build/release and a Python with torch, torchvision, lightning, simplejpeg, opencv-python-headless, scikit-learn and
# h5py (LATHE_PYTHON). Only an idle machine tells the truth.
set -eu
cd "$(dirname "$0")/../.."
rounds=${1-3}
[ $# -gt 0 ] && shift
python=${LATHE_PYTHON-python3} threads=2
"$python" -c 'import torch, torchvision' || {
    echo "needs a Python with torch and torchvision; set LATHE_PYTHON" >&2
    exit 2
}
cmake --build build/release --target bench_step bench_pipeline lathe >/dev/null
lathe=$PWD/build/release/lathe step=build/release/tests/bench_step pipeline=build/release/tests/bench_pipeline
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export XDG_CACHE_HOME="$out/cache"

# the median of a process's steps but the first two, in ms; pictures per second; ms to the first batch; ms of a command
steps() { "$@" | sed -n 's/.*all \([0-9.]*\) ms.*/\1/p' | tail -n +3 | sort -n |
    awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }
rate() { "$@" | sed -n 's/.* \([0-9.]*\) pictures.*/\1/p'; }
first() { "$@" | sed -n 's/^first \([0-9.]*\) ms.*/\1/p'; }
wall() {
    begin=$(date +%s%N)
    "$@" >/dev/null 2>&1
    echo $((($(date +%s%N) - begin) / 1000000))
}
# ms until a moment that the command prints last, in seconds since 1970; lathe's first step by its log
until_printed() {
    begin=$(date +%s.%N)
    echo "$("$@" 2>/dev/null | tail -n 1) $begin" | awk '{ printf "%.0f\n", ($1 - $2) * 1000 }'
}
one_step() { # JOB RUNS
    "$lathe" fit --headless -c "$1" --trainer.default_root_dir "$2" --model.name cnn --trainer.max_steps 1 \
        --trainer.limit_val_batches 0 --trainer.callbacks [] >/dev/null
    "$python" -c 'import h5py, sys; print(h5py.File(sys.argv[1])["metrics/train/loss"][0]["wall"])' "$2/cnn/version_0/run.h5"
    rm -rf "$2/cnn"
}

# row NAME UNIT LATHE PEER…: each a command of the functions above. Units: ms (less is better) or img/s (more is).
row() {
    name=$1 unit=$2
    shift 2
    echo "$name; load $(cut -d' ' -f1 /proc/loadavg)"
    for round in $(seq "$rounds"); do
        k=0
        for command in "$@"; do
            sh -c "$functions $command" >>"$out/$name.$k"
            k=$((k + 1))
        done
        echo "  round $round: $(for i in $(seq 0 $((k - 1))); do tail -n 1 "$out/$name.$i"; done | tr '\n' ' ')$unit"
    done
    for i in $(seq 1 $(($# - 1))); do
        paste "$out/$name.0" "$out/$name.$i" | awk -v unit="$unit" '{ print unit == "ms" ? $2 / $1 : $1 / $2 }' | sort -n >"$out/ratio"
        sort -n "$out/$name.0" >"$out/a"
        sort -n "$out/$name.$i" | paste "$out/a" - "$out/ratio" | awk -v name="$name" -v peer="$i" -v unit="$unit" '
            { a[NR] = $1; b[NR] = $2; r[NR] = $3 }
            END { m = int((NR + 1) / 2)
                printf "%-26s peer %d  lathe %.5g (%.5g to %.5g)  peer %.5g (%.5g to %.5g) %s  %.2f times (%.2f to %.2f)\n",
                    name, peer, a[m], a[1], a[NR], b[m], b[1], b[NR], unit, r[m], r[1], r[NR] }' >>"$out/table"
    done
}
functions="$(sed -n '/^steps()/,/^# row/p' "$0")
step=$step pipeline=$pipeline lathe=$lathe python=$python"

model() { # NAME MODEL BATCH PRECISION MODE; peer 1 is channels_last, peer 2 eager, both in the same precision
    row "$1" ms "steps $step $2 $3 224 $threads 6 $4 $5" \
        "steps $python tests/bench/peer_step.py $2 $3 224 $threads 6 channels_last $4 $5" \
        "steps $python tests/bench/peer_step.py $2 $3 224 $threads 6 eager $4 $5"
}
photos() { [ -d "$out/photos" ] || "$python" tests/bench/peer_pipeline.py make "$out/photos"; }
job() {
    photos
    [ -e "$out/job.yaml" ] || sed "s|PHOTOS|$out/photos|; s|RUNS|$out/runs|" tests/bench/job.yaml >"$out/job.yaml"
}

run() {
    case $1 in
    b0) model b0 efficientnet_b0 32 32 train ;;
    b0-bf16) model b0-bf16 efficientnet_b0 32 bf16-mixed train ;;
    resnet18) model resnet18 resnet18 32 32 train ;;
    resnet50) model resnet50 resnet50 16 32 train ;;
    vit) model vit vit_b_16 8 32 train ;;
    resnet18-bf16) model resnet18-bf16 resnet18 32 bf16-mixed train ;;
    resnet50-bf16) model resnet50-bf16 resnet50 16 bf16-mixed train ;;
    vit-bf16) model vit-bf16 vit_b_16 8 bf16-mixed train ;;
    mobilenet) model mobilenet mobilenet_v3_large 32 32 train ;;
    convnext) model convnext convnext_tiny 8 32 train ;;
    b0-evaluate) model b0-evaluate efficientnet_b0 32 32 evaluate ;;
    train-pipeline)
        photos
        row train-pipeline img/s "rate $pipeline $out/photos 64 0 train 2" \
            "rate $python tests/bench/peer_pipeline.py pil $out/photos train" \
            "rate $python tests/bench/peer_pipeline.py cv2 $out/photos train"
        ;;
    val-pipeline)
        photos
        row val-pipeline img/s "rate $pipeline $out/photos 64 0 val 2" \
            "rate $python tests/bench/peer_pipeline.py pil $out/photos val"
        ;;
    fast) # against PIL, and against exact decoding
        [ -d "$out/large" ] || "$python" tests/bench/peer_pipeline.py make-large "$out/large"
        row fast img/s "rate $pipeline $out/large 16 0 train 2 fast" \
            "rate $python tests/bench/peer_pipeline.py pil $out/large train" \
            "rate $pipeline $out/large 16 0 train 2"
        ;;
    cache)
        photos
        row cache img/s "$pipeline $out/photos 64 0 train 1 decoded >/dev/null; rate $pipeline $out/photos 64 0 train 4 decoded" \
            "rate $python tests/bench/peer_pipeline.py pil $out/photos train"
        ;;
    loader)
        photos
        row loader img/s "rate $pipeline $out/photos 64 2 train 4" \
            "rate $python tests/bench/peer_pipeline.py loader $out/photos train 2"
        ;;
    first-batch)
        photos
        row first-batch ms "first $pipeline $out/photos 64 2 train" \
            "first $python tests/bench/peer_pipeline.py loader $out/photos train 2"
        ;;
    job)
        job
        row job ms "wall $lathe fit --headless -c $out/job.yaml" \
            "wall $python tests/bench/peer_job.py $out/photos $out/lightning 1000000"
        ;;
    start)
        job
        row start ms "until_printed one_step $out/job.yaml $out/start" \
            "until_printed $python tests/bench/peer_job.py $out/photos $out/lightning 1"
        ;;
    *)
        echo "there is no row $1" >&2
        exit 2
        ;;
    esac
}
[ $# -gt 0 ] || set -- b0 b0-bf16 resnet18 resnet50 vit resnet18-bf16 resnet50-bf16 vit-bf16 mobilenet convnext b0-evaluate \
    train-pipeline val-pipeline fast cache loader first-batch job start
for name in "$@"; do run "$name"; done
echo
cat "$out/table"
