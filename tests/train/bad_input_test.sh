#!/bin/sh
# What bad input gets: a sentence that names the file and the place and what to do next, the exit code of its kind (1 an error, 2 the
# configuration), and nothing already saved lost.
set -eu
work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work"
trap 'rm -rf "$work"' EXIT
cd "$work"
lathe=$LATHE_BINARY
"$lathe" demo >/dev/null
failed=0

# refused CODE PATTERN COMMAND…
refused() {
    code=$1 pattern=$2
    shift 2
    got=0
    "$@" >out.log 2>&1 </dev/null || got=$?
    if [ $got != "$code" ] || ! grep -q -e "$pattern" out.log; then
        echo "WRONG: $* => exit $got instead of $code, or not '$pattern':"
        tail -n 4 out.log
        failed=$((failed + 1))
    fi
}
fit() { # CODE PATTERN ARGUMENTS…
    code=$1 pattern=$2
    shift 2
    refused "$code" "$pattern" "$lathe" fit --headless -c demo/digits.yaml --trainer.max_epochs 1 "$@"
}
edited() { # CODE PATTERN SED-COMMAND: the demo's file with one line changed
    sed "$3" demo/digits.yaml >edited.yaml
    refused "$1" "$2" "$lathe" fit --headless -c edited.yaml
}

echo "# the configuration: nothing is created"
refused 2 "what to train? give a configuration" "$lathe" fit --headless
refused 2 "cannot open missing.yaml" "$lathe" fit --headless -c missing.yaml
refused 2 "no command 'fot'; did you mean 'fit'" "$lathe" fot
printf 'a: [1, 2\nb: {' >edited.yaml
refused 2 "edited.yaml:2: not valid YAML" "$lathe" fit --headless -c edited.yaml
edited 2 "edited.yaml:4: trainer.max_epocs: there is no key 'max_epocs' here; did you mean 'max_epochs'?" 's/max_epochs/max_epocs/'
edited 2 "edited.yaml:12: optimizer.lr: 'fast' is not a number" 's/lr: 3e-3/lr: fast/'
edited 2 "edited.yaml:19: data.batch_size: -32 is not possible: it must be at least 1" 's/batch_size: 32/batch_size: -32/'
edited 2 "edited.yaml:11: model.name: .*did you mean cnn?" 's/name: cnn/name: cmn/'
fit 2 "trainer.precision: .* not available yet" --trainer.precision 16-mixed
fit 2 "model.num_classes is 5 but demo/digits has 10 classes" --model.num_classes 5
fit 2 "model.freeze: the pattern 'head.\*' matches no parameter" --model.freeze '[head.*]'
fit 2 "trainer.callbacks.0: nothing is logged under the name 'val/auc'; did you mean 'val/acc'" --trainer.callbacks '[{model_checkpoint: {monitor: val/auc}}]'

echo "# folders"
fit 1 "the data folder nowhere does not exist; correct data.data_dir" --data.data_dir nowhere
mkdir -p one && cp -r demo/digits/3 one/3
fit 1 "one has one class only ('3'); a classifier needs at least two subfolders" --data.data_dir one
cp -r demo/digits empty && rm empty/4/*
fit 1 "the class folder empty/4 holds no picture; add some or remove the folder" --data.data_dir empty
cp -r demo/digits other && cp demo/digits/3/0001.png other/3/scan.tiff
fit 1 "other/3/scan.tiff.*tiff" --data.data_dir other
[ ! -e runs ] || { echo "WRONG: a run's folder was made"; failed=$((failed + 1)); }

echo "# pictures: damaged, empty, a text, and files of a few hundred bytes that claim 65000 x 65000"
cp -r demo/digits damaged
picture=$(ls damaged/3/*.png | head -n 1)
damage() { # PATTERN: the picture as it is now
    fit 1 "$picture: .*$1.*repair or remove it, or set data.on_bad: skip" --data.data_dir damaged
}
head -c 100 "demo/digits/3/$(basename "$picture")" >"$picture" && damage "cut off"
: >"$picture" && damage "."
echo "no picture" >"$picture" && damage "."
base64 -d >"$picture" <<'B'
iVBORw0KGgoAAAANSUhEUgAA/egAAP3oCAIAAAAtNU5dAAAAEUlEQVR4nGNgGAWjYBQMdwAAA+gAAbOm00YAAAAASUVORK5CYII=
B
damage "65000x65000"
base64 -d >"$picture" <<'B'
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAFA3PEY8MlBGQUZaVVBfeMiCeG5uePWvuZHI////////////////////////////////////////////////////wAALCP3o
/egBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2Jy
ggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJ
ytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/AKVf/9k=
B
damage "65000x65000"
refused 0 "skipped.*$picture" "$lathe" fit --headless -c demo/digits.yaml --trainer.max_epochs 1 --data.data_dir damaged --data.on_bad skip

echo "# checkpoints and weights"
rm -rf runs
"$lathe" fit --headless -c demo/digits.yaml --trainer.max_epochs 1 >/dev/null
last=runs/cnn/version_0/checkpoints/last.ckpt
find runs -type f | sort | xargs cksum >before.txt
refused 1 "$picture" "$lathe" predict $last "$picture" demo/digits/3/0002.png
head -c -1 $last >cut.ckpt
refused 1 "cut.ckpt is damaged" "$lathe" predict cut.ckpt demo/digits/3
refused 1 "cut.ckpt is damaged" "$lathe" fit --headless --resume cut.ckpt
refused 1 "cut.ckpt is damaged" "$lathe" export cut.ckpt --output cut.safetensors
(head -c 60000 $last && printf X && tail -c +60002 $last) >flipped.ckpt
refused 1 "flipped.ckpt.*checksum" "$lathe" validate flipped.ckpt
refused 1 "last.ckpt has no tensor model.conv1.weight .*it belongs to another model" \
    "$lathe" fit --headless -c demo/digits.yaml --resume $last --model '{name: resnet18}'
refused 1 "no checkpoint and no run 'elsewhere'" "$lathe" fit --headless --resume elsewhere
refused 1 "demo/digits.yaml is damaged or no safetensors file" "$lathe" predict demo/digits.yaml demo/digits/3
"$lathe" export $last --output weights.safetensors >/dev/null
fit 1 "model.weights: weights.safetensors has no tensor conv1.weight" --model '{name: resnet18, weights: weights.safetensors}'
fit 1 "model.weights: cannot open absent.safetensors" --model.weights absent.safetensors
cp -r demo/digits two && rm -r two/[2-9]
fit 0 "weights from weights.safetensors, but 2 tensors of classifier.1 have other shapes" --model.weights weights.safetensors --data.data_dir two --run_name two
rm -r runs/two
find runs -type f | sort | xargs cksum | cmp - before.txt || { echo "WRONG: a file of the run changed"; failed=$((failed + 1)); }

echo "# a full disk, a folder that cannot be written"
small_disk() { # SIZE COMMAND in $work with a file system of that size in $work/small
    unshare -m sh -c "mount -t tmpfs -o size=$1 none '$work/small' && $2"
}
mkdir -p small
if unshare -m sh -c "mount -t tmpfs none '$work/small'" 2>/dev/null; then
    refused 1 "checkpoints of .* need .* on the disk and .* are free; make room" \
        small_disk 400k "'$lathe' fit --headless -c demo/digits.yaml --trainer.max_epochs 2 --trainer.default_root_dir small"
    # enough at the start, and then somebody else takes it
    refused 0 "checkpoint not saved: .*small/.*space.*training goes on" \
        small_disk 16m "(until [ -e small/cnn/version_0/run.h5 ]; do sleep 0.01; done; cat /dev/zero >small/filler 2>/dev/null) & '$lathe' fit --headless -c demo/digits.yaml --trainer.max_epochs 2 --trainer.default_root_dir small"
    grep -q '^finished 2 epochs.*its newest checkpoint could NOT be saved' out.log || { echo "WRONG: the end says nothing of it"; failed=$((failed + 1)); }
    refused 1 "no folder for this run: set trainer.default_root_dir to a folder that can be written; .*small" \
        small_disk 16m "mount -o remount,ro none small && '$lathe' fit --headless -c demo/digits.yaml --trainer.max_epochs 2 --trainer.default_root_dir small"
else
    echo "SKIPPED: a full disk and a read-only folder need the right to mount"
fi
[ $failed = 0 ] || { echo "$failed wrong"; exit 1; }
echo "all refused as they should be"
