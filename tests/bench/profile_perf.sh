#!/bin/sh
# sh tests/bench/profile_perf.sh PHOTOS [STEPS]: trains EfficientNet-B0 at 224 pixels by one thread on a folder of pictures
# (peer_pipeline.py make) under `perf record`, and compares kernel times: lathe's own and perf's samples. Other load makes
# them differ: lathe measures the time that passes, perf what the process gets. Needs build/release, perf and python3.
set -eu
cd "$(dirname "$0")/../.."
photos=$(realpath "$1") steps=${2-96}
lathe=$PWD/build/release/lathe out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export XDG_RUNTIME_DIR="$out"
cat >"$out/run.yaml" <<YAML
trainer: {max_steps: $steps, default_root_dir: $out/runs, num_threads: 1, limit_val_batches: 0, num_sanity_val_steps: 0}
model: {name: efficientnet_b0}
data:
  data_dir: $photos
  batch_size: 16
  train_transforms: [{random_resized_crop: 224}, {random_horizontal_flip: 0.5}, {normalize: imagenet}]
  val_transforms: [{resize: 256}, {center_crop: 224}, {normalize: imagenet}]
YAML
perf record -q -o "$out/perf" -F 997 -e cpu-clock --call-graph dwarf,8192 "$lathe" fit --headless -c "$out/run.yaml" --run_name b0 \
    >"$out/log" 2>&1 || {
    tail -n 5 "$out/log" >&2
    exit 1
}
"$lathe" profile --root "$out/runs" b0 | sed -n '3p'
perf script -i "$out/perf" --no-inline -F comm,tid,ip,sym 2>/dev/null |
    python3 tests/bench/profile_perf.py "$lathe" "$out/runs/b0/version_0/documents/profile.json"
