#!/bin/sh
# Weights travel: lathe export loads in torchvision (strict) with the same probabilities, and torchvision's weights load in lathe. Needs
# PyTorch and torchvision (LATHE_PYTHON names a Python that has them); skipped aloud without.
set -eu
for python in ${LATHE_PYTHON-} python3; do
    "$python" -c 'import torch, torchvision, safetensors' 2>/dev/null && break
    python=
done
[ -n "$python" ] || { echo "SKIPPED: needs a Python with torch, torchvision and safetensors"; exit 77; }
lathe=$LATHE_BINARY
work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work"
trap 'rm -rf "$work"' EXIT
cd "$work"
"$lathe" demo >/dev/null

for model in efficientnet_b0 resnet18; do
    echo "# $model: from lathe to torchvision"
    transforms='[{resize: [64, 64]}, {normalize: imagenet}]'
    "$lathe" fit --headless -c demo/digits.yaml --model "{name: $model}" --data.train_transforms "$transforms" --data.val_transforms "$transforms" \
        --trainer.max_epochs 1 --run_name "$model" >fit.log 2>&1
    "$lathe" export "runs/$model/version_0" --output "$model.safetensors" >/dev/null
    "$lathe" predict "runs/$model/version_0" demo/digits/3 --top_k 10 >from_lathe.csv
    echo "# $model: from torchvision to lathe"
    "$python" - "$model" <<'P'
import csv, sys, torch, torchvision
from PIL import Image
from safetensors.torch import load_file, save_file

name = sys.argv[1]
toward = getattr(torchvision.models, name)(num_classes=10)
toward.load_state_dict(load_file(f"{name}.safetensors"), strict=True)
prepare = torchvision.transforms.Compose([
    torchvision.transforms.Resize((64, 64)), torchvision.transforms.ToTensor(),
    torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])


def probabilities(model, path):
    with torch.no_grad():
        return model.eval()(prepare(Image.open(path).convert("RGB"))[None]).softmax(1)[0]


worst = 0
for row in list(csv.reader(open("from_lathe.csv")))[1:]:
    p = probabilities(toward, row[0])
    worst = max([worst] + [abs(p[int(row[i])].item() - float(row[i + 1])) for i in range(1, 20, 2)])
print(f"off by at most {worst:.1e}")
assert worst < 1e-4
torch.manual_seed(3)
back = getattr(torchvision.models, name)(num_classes=10)
for module in back.modules():  # statistics that matter
    if isinstance(module, torch.nn.BatchNorm2d):
        module.running_mean.normal_(0, 0.1)
        module.running_var.uniform_(0.5, 1.5)
save_file({k: v.contiguous() for k, v in back.state_dict().items()}, f"{name}_torch.safetensors")
with open("wanted.csv", "w") as out:
    for row in list(csv.reader(open("from_lathe.csv")))[1:6]:
        print(row[0], *(f"{v:.8f}" for v in probabilities(back, row[0]).tolist()), sep=",", file=out)
P
    cat >back.yaml <<Y
model: {name: $model, num_classes: 10, weights: ${model}_torch.safetensors}
data: {train_transforms: $transforms, val_transforms: $transforms}
Y
    "$lathe" predict -c back.yaml $(cut -d, -f1 wanted.csv) --top_k 10 --format jsonl >got.jsonl
    "$python" - <<'P'
import json

worst = 0
for wanted, got in zip(open("wanted.csv"), open("got.jsonl")):
    values = [float(v) for v in wanted.split(",")[1:]]
    for entry in json.loads(got)["top"]:
        worst = max(worst, abs(values[entry["index"]] - entry["probability"]))
print(f"off by at most {worst:.1e}")
assert worst < 1e-4
P
done
