"""Trainings of a few steps in PyTorch, from weights and pictures that both sides derive by formula, dropout and stochastic
depth 0. float64 gives the numbers to meet; float32, in either memory format and with
either of its kernels, how far PyTorch itself is off.

The formula: element i (in torch's layout) of the tensor NAME is a number u in [0, 1) made by splitmix64 from
FNV-1a-64(NAME) + i; then
  convolution and linear weights   (2 u - 1) sqrt(6 / fan_in)  and  (2 u - 1) sqrt(3 / fan_in)
  norm weights, biases             0.5 + 0.1 (2 u - 1),  0.8 + 0.1 (2 u - 1)
  layer scales                     0.5 + 0.1 (2 u - 1)
  other biases                     0.1 (2 u - 1)
  running statistics               as torch starts: mean 0, variance 1
Sample s of step t has the target k = (7 s + 3 t) % 10 and at (channel c, row y, column x) the picture
  0.7 (sin(0.2 (1 + k) x / (1 + c) + c) + cos(0.15 (10 - k) y + 0.5 c)) + 0.5 (2 u - 1),  u of "image.STEP" in NCHW order.
Most activations stay clear of the kinks of relu, so that rounding does not grow from step to step until nothing can be told.

One file per run:
  run MODEL OPTIMIZER lr momentum weight_decay clip SIZE BATCH STEPS
  step LOSS NORM LOSS_ERROR NORM_ERROR     (per step; norm before clipping; errors of float32, relative)
  gradient NAME NORM                       (of the first step)
  running NAME NORM                        (after the last step, L2 norms of the statistics)
  parameter NAME NORM                      (after the last step)
  train_logits / eval_logits ERROR v v v … (first batch: before training; after it, with running statistics)
  autocast LOSS_ERROR NORM_ERROR LOGITS_ERROR  (the largest of all steps, and of the first logits, under
                                               torch.autocast("cpu", bfloat16), the better memory format)"""

import numpy
import torch
import torchvision
from torch import nn
from torch.nn import functional

import models

CLASSES = 10


def mix(name, count):
    """u of the formula, float64 [count]."""
    with numpy.errstate(over="ignore"):
        x = numpy.uint64(models.fnv(name)) + numpy.arange(count, dtype=numpy.uint64) + numpy.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        x = x ^ (x >> numpy.uint64(31))
    return torch.from_numpy((x >> numpy.uint64(11)).astype(numpy.float64) * 2.0**-53)


def set_weights(model):
    norms = {name for name, module in model.named_modules() if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm))}
    with torch.no_grad():
        for name, p in model.named_parameters():
            layer, _, part = name.rpartition(".")
            u = 2 * mix(name, p.numel()).reshape(p.shape) - 1
            if part == "layer_scale":
                p.copy_(0.5 + 0.1 * u)
            elif p.dim() > 1:
                p.copy_(u * ((6 if p.dim() == 4 else 3) / p[0].numel()) ** 0.5)
            else:
                p.copy_(0.1 * u + ((0.5 if part == "weight" else 0.8) if layer in norms else 0))


def batch(step, size, count):
    target = (7 * torch.arange(count) + 3 * step) % CLASSES
    k = target.double()[:, None, None, None]
    c = torch.arange(3, dtype=torch.float64)[None, :, None, None]
    y = torch.arange(size, dtype=torch.float64)[None, None, :, None]
    x = torch.arange(size, dtype=torch.float64)[None, None, None, :]
    waves = torch.sin(0.2 * (1 + k) * x / (1 + c) + c) + torch.cos(0.15 * (10 - k) * y + 0.5 * c)
    u = mix(f"image.{step}", count * 3 * size * size).reshape(count, 3, size, size)
    return 0.7 * waves + 0.5 * (2 * u - 1), target


class SameConv(nn.Conv2d):
    """TensorFlow's SAME padding: out = ceil(in / stride), what is odd goes to the end."""

    def forward(self, x):
        pads = []
        for size, kernel, stride in zip(reversed(x.shape[2:]), reversed(self.kernel_size), reversed(self.stride)):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return functional.conv2d(functional.pad(x, pads), self.weight, None, self.stride, 0, 1, self.groups)


def lite0():
    """EfficientNet-Lite0 made from torchvision's B0; parts of a block are renumbered as nn.Sequential does."""
    model = torchvision.models.efficientnet_b0(num_classes=CLASSES, dropout=0.0, stochastic_depth_prob=0.0)
    for module in model.modules():
        if isinstance(module, torchvision.models.efficientnet.MBConv):
            module.block = nn.Sequential(*(part for part in module.block
                                           if not isinstance(part, torchvision.ops.SqueezeExcitation)))
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.SiLU):
                setattr(module, name, nn.ReLU6())
            elif isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.BatchNorm2d(child.num_features, eps=1e-3, momentum=1e-2))
            elif isinstance(child, nn.Conv2d):
                setattr(module, name, SameConv(child.in_channels, child.out_channels, child.kernel_size, child.stride,
                                               groups=child.groups, bias=False))
    assert models.lines_of(model.state_dict()) == models.lite0()
    return model


def build(name):
    if name == "efficientnet_lite0":
        return lite0()
    options = dict(dropout=0.0, stochastic_depth_prob=0.0) if name.startswith("efficientnet") else {}
    if name.startswith("mobilenet"):
        options = dict(dropout=0.0)
    if name.startswith("vit"):
        options = dict(image_size=64)
    if name.startswith("convnext"):
        options = dict(stochastic_depth_prob=0.0)
    return getattr(torchvision.models, name)(num_classes=CLASSES, **options)


class Run:
    def __init__(self, model, optimizer, options, clip, size, count, steps):
        self.model, self.optimizer, self.options, self.clip = model, optimizer, options, clip
        self.size, self.count, self.steps = size, count, steps

    def train(self, dtype, memory_format=torch.contiguous_format, autocast=False):
        result = dict(losses=[], norms=[])
        model = build(self.model).to(dtype).to(memory_format=memory_format)
        set_weights(model)
        kind = dict(sgd=torch.optim.SGD, adamw=torch.optim.AdamW)[self.optimizer]
        optimizer = kind(model.parameters(), foreach=False, **self.options)
        for step in range(self.steps):
            image, target = batch(step, self.size, self.count)
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                logits = model(image.to(dtype).to(memory_format=memory_format))
                loss = functional.cross_entropy(logits, target)
            optimizer.zero_grad()
            loss.backward()
            if step == 0:
                result["train_logits"] = logits.detach().double()
                result["gradient"] = {n: p.grad.double().norm().item() for n, p in model.named_parameters()}
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), self.clip or float("inf"))
            optimizer.step()
            result["losses"].append(loss.item())
            result["norms"].append(norm.item())
        model.eval()
        with torch.no_grad():
            result["eval_logits"] = model(batch(0, self.size, self.count)[0].to(dtype)).double()
        result["running"] = {n: b.double().norm().item() for n, b in model.named_buffers() if "running" in n}
        result["parameter"] = {n: p.detach().double().norm().item() for n, p in model.named_parameters()}
        return result

    def autocast_line(self, exact):
        found = []
        for memory_format in (torch.contiguous_format, torch.channels_last):
            got = self.train(torch.float32, memory_format, autocast=True)
            off = [max(abs(a - b) / abs(b) for a, b in zip(got[key], exact[key])) for key in ("losses", "norms")]
            logits = (got["train_logits"] - exact["train_logits"]).norm() / exact["train_logits"].norm()
            found.append((max(off), off, logits.item()))
        _, off, logits = min(found)
        return f"autocast {off[0]:.3g} {off[1]:.3g} {logits:.3g}"

    def write(self, folder):
        exact = self.train(torch.float64)
        rough = []
        for library in (True, False):  # with oneDNN's kernels and with PyTorch's own
            with torch.backends.mkldnn.flags(enabled=library):
                rough += [self.train(torch.float32, f) for f in (torch.contiguous_format, torch.channels_last)]

        def error(key, t):
            return max(abs(r[key][t] - exact[key][t]) / abs(exact[key][t]) for r in rough)

        o = self.options
        lines = [f"run {self.model} {self.optimizer} {o['lr']} {o.get('momentum', 0)} {o.get('weight_decay', 0)} {self.clip} "
                 f"{self.size} {self.count} {self.steps}"]
        for t in range(self.steps):
            lines.append(f"step {exact['losses'][t]!r} {exact['norms'][t]!r} {error('losses', t):.3g} {error('norms', t):.3g}")
        for key in ("gradient", "running", "parameter"):
            lines.extend(f"{key} {name} {value!r}" for name, value in exact[key].items())
        for key in ("train_logits", "eval_logits"):
            off = max(((r[key] - exact[key]).norm() / exact[key].norm()).item() for r in rough)
            lines.append(f"{key} {off:.3g} " + " ".join(repr(v) for v in exact[key].flatten().tolist()))
        lines.append(self.autocast_line(exact))
        (folder / f"trajectory_{self.model}_{self.optimizer}.txt").write_text("\n".join(lines) + "\n")


SGD = dict(lr=0.01, momentum=0.9)
ADAMW = dict(lr=3e-4, weight_decay=0.01)
RUNS = [Run(model, name, options, 1.0, 64, 16, 8) for model in ("efficientnet_b0", "efficientnet_lite0")
        for name, options in (("sgd", SGD), ("adamw", ADAMW))]
RUNS += [Run(model, "sgd", SGD, 1.0, 64, 16, 8) for model in ("mobilenet_v2", "mobilenet_v3_large")]
RUNS += [Run("convnext_tiny", name, options, 1.0, 64, 8, 8) for name, options in (("sgd", SGD), ("adamw", ADAMW))]
RUNS += [Run("vit_b_16", "sgd", SGD, 1.0, 64, 8, 8), Run("vit_b_32", "adamw", ADAMW, 1.0, 64, 4, 3)]
RUNS += [Run("resnet18", name, options, 0, 32, 16, 3) for name, options in (("sgd", SGD), ("adamw", ADAMW))]


def make(folder, chosen=lambda run: True):
    for run in filter(chosen, RUNS):
        run.write(folder)
