"""Names and shapes of torchvision's state_dicts: for each model the number of tensors and the 64-bit FNV-1a hash of their
lines "NAME SIZE,SIZE,…\\n" sorted by bytes; num_classes 10. `python models.py NAME` prints a model's lines, to find a
difference. efficientnet_lite0, which torchvision has not, follows from efficientnet_b0: no squeeze-excite, and what came after
it moves one place down.

The spread of torchvision's initial values is stored as well: minimum, maximum, standard deviation of some tensors."""

import re
import sys

import torch
import torchvision

MODELS = [f"resnet{n}" for n in (18, 34, 50, 101, 152)] + [f"efficientnet_b{n}" for n in range(8)]
MODELS += ["mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "convnext_tiny", "convnext_small"]
MODELS += ["vit_b_16", "vit_b_32", "vit_l_16"]
SPREADS = {
    "resnet18": ["conv1.weight", "layer4.1.conv2.weight", "fc.weight", "fc.bias", "bn1.weight", "layer1.0.bn2.bias"],
    "convnext_tiny": ["features.0.0.weight", "features.1.0.layer_scale", "features.7.2.block.3.weight"],
    "vit_b_32": ["conv_proj.weight", "encoder.layers.encoder_layer_3.self_attention.in_proj_weight",
                 "encoder.layers.encoder_layer_3.self_attention.out_proj.weight",
                 "encoder.layers.encoder_layer_3.mlp.0.bias", "heads.head.weight"],
    "mobilenet_v2": ["features.2.conv.1.0.weight", "classifier.1.weight", "classifier.1.bias"],
    "mobilenet_v3_large": ["features.4.block.2.fc1.weight", "classifier.0.weight", "classifier.3.weight"],
    "efficientnet_b0": ["features.0.0.weight", "features.6.2.block.1.0.weight", "features.6.2.block.2.fc1.weight",
                        "features.6.2.block.2.fc1.bias", "classifier.1.weight", "classifier.1.bias"],
}


def lines_of(tensors):
    return sorted(f"{name} {','.join(str(size) for size in tensor.shape)}" for name, tensor in tensors.items())


def lite0():
    tensors = {}
    for name, tensor in getattr(torchvision.models, "efficientnet_b0")(num_classes=10).state_dict().items():
        if re.search(r"\.fc[12]\.", name):
            continue
        part = re.match(r"(features\.(\d+)\.\d+\.block\.)(\d)(\..*)", name)
        if part:
            excite = 1 if part[2] == "1" else 2
            name = part[1] + str(int(part[3]) - (int(part[3]) > excite)) + part[4]
        tensors[name] = tensor
    return lines_of(tensors)


def model_lines(name):
    options = dict(image_size=64) if name.startswith("vit") else {}
    return lite0() if name == "efficientnet_lite0" else lines_of(getattr(torchvision.models, name)(num_classes=10, **options).state_dict())


def fnv(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def spreads():
    torch.manual_seed(1)
    for model, names in SPREADS.items():
        tensors = getattr(torchvision.models, model)(num_classes=100).state_dict()
        for name in names:
            values = tensors[name].double()
            yield f"spread {model} {name} {values.min().item():.6g} {values.max().item():.6g} {values.std(correction=0).item():.6g}"


def make(folder):
    lines = []
    for name in MODELS + ["efficientnet_lite0"]:
        tensors = model_lines(name)
        lines.append(f"model {name} {len(tensors)} {fnv(''.join(line + chr(10) for line in tensors)):016x}")
    (folder / "models.txt").write_text("\n".join(lines + list(spreads())) + "\n")


if __name__ == "__main__":
    print("\n".join(model_lines(sys.argv[1])))
