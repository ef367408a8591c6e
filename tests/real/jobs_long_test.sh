#!/bin/sh
# Two real jobs: EfficientNet-B0 from scratch on JPEGs, EfficientNet-Lite0 fine-tuned on RGBA and palette PNGs. The loss falls,
# checkpoints appear; with the data folder renamed, predict works from the checkpoint alone, validate and test with the new name.
set -eu
cd "$LATHE_SOURCE_DIR"
sh tests/real/fetch.sh lite0 photos patches stamps
here=$(pwd)
work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work"
trap 'rm -rf "$work"' EXIT
cd "$work"
ln -s "$here/.cache/lite0.safetensors" .
cp -r "$here/.cache/patches" "$here/.cache/stamps" .

# job NAME LOSS: trains tests/real/NAME.yaml until its last val/loss is under LOSS x its first one.
job() {
    echo "# $1"
    "$LATHE_BINARY" fit --headless -c "$here/tests/real/$1.yaml" --run_name "$1" >"$1.log" 2>&1 || { cat "$1.log"; exit 1; }
    awk -v most="$2" '
        $3 == "val/loss" { if (!n++) first = $4; last = $4 }
        END { printf "val/loss %s to %s in %d epochs\n", first, last, n; exit !(n > 1 && last < most * first) }' "$1.log"
    for file in last.ckpt "epoch=*.ckpt"; do
        ls "runs/$1/version_0/checkpoints/"$file >/dev/null
    done
    mv "$1" "$1-moved"
    "$LATHE_BINARY" predict "runs/$1/version_0" "$here/.cache/photos" --top_k 1 >predicted.csv
    [ "$(grep -c photos/ predicted.csv)" = "$(ls "$here/.cache/photos" | wc -l)" ]
    for command in validate test; do
        code=0
        "$LATHE_BINARY" $command "runs/$1/version_0" >missing.log 2>&1 || code=$?
        [ $code = 1 ] && grep -q "$1" missing.log || { echo "$command without the folder: exit $code"; cat missing.log; exit 1; }
        "$LATHE_BINARY" $command "runs/$1/version_0" --data.data_dir "$1-moved" >"$command.log" || { cat "$command.log"; exit 1; }
        grep -q "acc" "$command.log"
        tail -2 "$command.log"
    done
}

job patches 0.6
job stamps 0.6
