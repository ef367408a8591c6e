"""Every op in PyTorch float64: outputs and gradients, from inputs given by formula (tests/ops/cases.h), for the cases of
tests/ops/cases.c. Here each is written anew, in torch's own words. Dropout's masks are made from the definition of
Philox4x32-10 (Salmon et al., SC 2011): key (seed, 3 * 0x9E3779B9) with seed 0; counter (FNV-1a-32 of the layer's name, epoch 0,
sample, block); element i takes word i % 4 of block i / 4; it is dropped when (word & 0xffffff) 2^-24 < p. Sample i of a batch
has the index 100 + 7 i.

A tensor is stored as its number of elements, its norm, and four sums of element times a number of the formula in -1 … 1
(named "project.J"): a wrong element anywhere shows in them.

  case NAME
  TENSOR COUNT NORM SUM SUM SUM SUM      (out0, out1, din0, …; in3 … for buffers afterwards; evaluate0)"""

import numpy
import torch
from torch.nn import functional as F
from torchvision.transforms import functional as pictures

from trajectories import mix

PROJECTIONS = 4
LOSS_WEIGHT = 0.37


class Case:
    """Collects inputs and results of one case."""

    def __init__(self, name):
        self.name, self.inputs, self.results = name, {}, []

    def u(self, what, shape, low, high):
        count = int(numpy.prod(shape))
        return (low + (high - low) * mix(f"{self.name}.{what}", count)).reshape(shape)

    def input(self, index, shape, low=-1.0, high=1.0, kinks=(), trained=True):
        v = self.u(f"in{index}", shape, low, high)
        for kink in kinks:
            v = torch.where((v - kink).abs() < 0.05, v + 0.1, v)
        if trained:
            self.inputs[index] = v.requires_grad_()
        return v

    def keep(self, what, tensor):
        self.results.append((what, tensor.detach().double().flatten()))

    def output(self, y):
        """Keeps out0 and the gradients of all inputs for the formula's gradient of it."""
        self.keep("out0", y)
        self.gradients(y, self.u("dout0", y.shape, -1, 1))

    def gradients(self, y, dy):
        for index, g in zip(self.inputs, torch.autograd.grad(y, list(self.inputs.values()), dy)):
            self.keep(f"din{index}", g)

    def lines(self):
        yield f"case {self.name}"
        for what, v in self.results:
            sums = [(v * (2 * mix(f"project.{j}", v.numel()) - 1)).sum().item() for j in range(PROJECTIONS)]
            yield " ".join([what, str(v.numel()), repr(v.norm().item())] + [repr(s) for s in sums])


# ---- convolutions: (name, x NCHW, weight OIHW, bias, options) ----

def same_padding(x, kernel, stride):
    pads = []
    for size, k, s in zip(reversed(x.shape[2:]), reversed(kernel), reversed(stride)):
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


CONVOLUTIONS = [
    ("1x1", (3, 5, 4, 3), (7, 5, 1, 1), False, {}),
    ("1x1_bias", (3, 6, 1, 1), (4, 6, 1, 1), True, {}),
    ("1x1_stride", (2, 3, 5, 6), (4, 3, 1, 1), False, dict(stride=2)),
    ("3x3", (3, 3, 5, 4), (4, 3, 3, 3), True, dict(padding=1)),
    ("3x3_valid", (2, 2, 5, 6), (3, 2, 3, 3), False, {}),
    ("3x3_stride", (3, 3, 6, 5), (4, 3, 3, 3), False, dict(stride=2, padding=1)),
    ("uneven", (2, 2, 7, 5), (3, 2, 2, 3), True, dict(stride=(3, 1), padding=(1, 2))),
    ("groups", (2, 6, 4, 5), (9, 2, 3, 3), True, dict(padding=1, groups=3)),
    ("depthwise", (3, 6, 5, 4), (6, 1, 3, 3), False, dict(padding=1, groups=6)),
    ("depthwise_5x5_stride", (2, 4, 6, 7), (4, 1, 5, 5), True, dict(stride=2, padding=2, groups=4)),
    ("depthwise_multiplier", (2, 3, 5, 4), (6, 1, 3, 3), False, dict(padding=1, groups=3)),
    ("same", (2, 3, 5, 6), (4, 3, 3, 3), False, dict(padding="tensorflow")),
    ("same_stride", (2, 3, 6, 5), (4, 3, 3, 3), False, dict(padding="tensorflow", stride=(2, 2))),
    ("same_even_kernel", (2, 2, 5, 4), (3, 2, 2, 4), False, dict(padding="tensorflow")),
    ("same_depthwise", (2, 4, 7, 6), (4, 1, 5, 5), False, dict(padding="tensorflow", stride=(2, 2), groups=4)),
    ("same_wide_stride", (2, 2, 7, 8), (3, 2, 1, 2), False, dict(padding="tensorflow", stride=(3, 4))),
]


def convolutions():
    for name, x_shape, w_shape, bias, options in CONVOLUTIONS:
        case = Case(f"conv2d_{name}")
        x, w = case.input(0, x_shape), case.input(1, w_shape)
        b = case.input(2, w_shape[:1]) if bias else None
        options = dict(options)
        if options.get("padding") == "tensorflow":
            x = same_padding(x, w_shape[2:], options.get("stride", (1, 1)))
            options["padding"] = 0
        case.output(F.conv2d(x, w, b, **options))
        yield case


def linears():
    for name, n, c, o, bias in (("linear", 4, 6, 5, False), ("linear_bias", 3, 7, 4, True)):
        case = Case(name)
        x, w = case.input(0, (n, c)), case.input(1, (o, c))
        case.output(F.linear(x, w, case.input(2, (o,)) if bias else None))
        yield case


def rows():
    """Ops over the last dimension; pictures are NCHW here and NHWC there."""
    last, back = (lambda t: t.permute(0, 2, 3, 1) if t.dim() == 4 else t), (lambda t: t.permute(0, 3, 1, 2) if t.dim() == 4 else t)
    for name, shape, o in (("linear_tokens", (3, 4, 5), 6), ("linear_pixels", (2, 5, 3, 2), 4)):
        case = Case(name)
        x = last(case.input(0, shape))
        case.output(back(F.linear(x, case.input(1, (o, x.shape[-1])), case.input(2, (o,)))))
        yield case
    for name, shape, low, high, eps in (("layer_norm", (3, 7, 2, 3), -1, 1, 1e-6), ("layer_norm_tokens", (3, 4, 6), 2, 5, 1e-3),
                                        ("layer_norm_rows", (4, 5), -1, 1, 1e-5), ("layer_norm_frozen", (3, 5), -1, 1, 1e-5)):
        case, frozen = Case(name), name.endswith("frozen")
        x = last(case.input(0, shape, low, high))
        c = x.shape[-1:]
        case.output(back(F.layer_norm(x, c, case.input(1, c, trained=not frozen), case.input(2, c, trained=not frozen), eps)))
        yield case
    for name, shape, heads in (("attention", (2, 5, 18), 2), ("attention_one_head", (3, 4, 9), 1)):
        case, limit = Case(name), 2 if heads == 2 else 3
        n, s, d = shape[0], shape[1], shape[2] // 3
        q, k, v = case.input(0, shape, -limit, limit).reshape(n, s, 3, heads, d // heads).permute(2, 0, 3, 1, 4)
        case.output(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, s, d))
        yield case
    case = Case("tokens")
    x, first, positions = case.input(0, (3, 5, 2, 3)), case.input(1, (1, 1, 5)), case.input(2, (1, 7, 5))
    case.output(torch.cat([first.expand(3, -1, -1), x.flatten(2).transpose(1, 2)], 1) + positions)
    yield case
    case = Case("first_token")
    case.output(case.input(0, (3, 4, 5))[:, 0])
    yield case
    case = Case("scale")
    case.output(case.input(0, (3, 5, 2, 3)) * case.input(1, (5, 1, 1)))
    yield case


def batch_norms():
    behind = {"batch_norm_silu": F.silu, "batch_norm_hardswish": F.hardswish}
    for name, shape, low, high, eps, momentum in (("batch_norm", (3, 5, 4, 3), -1, 2, 1e-5, 0.1),
                                                  ("batch_norm_silu", (3, 5, 4, 3), -1, 2, 1e-5, 0.1),
                                                  ("batch_norm_hardswish", (3, 5, 4, 3), -3, 4, 1e-5, 0.1),
                                                  ("batch_norm_options", (4, 3, 2, 3), -1, 1, 0.1, 0.3),
                                                  ("batch_norm_1x1", (5, 4, 1, 1), -1, 1, 1e-5, 0.1),
                                                  ("batch_norm_frozen", (3, 4, 3, 4), -1, 1, 1e-5, 0.1)):
        case, c, frozen = Case(name), shape[1:2], name.endswith("frozen")
        x = case.input(0, shape, low, high)
        w, b = case.input(1, c, 0.5, 1.5, trained=not frozen), case.input(2, c, trained=not frozen)
        module = torch.nn.BatchNorm2d(c[0], eps=eps, momentum=momentum, dtype=torch.float64)
        module.weight, module.bias = torch.nn.Parameter(w), torch.nn.Parameter(b)
        module.running_mean.copy_(case.input(3, c, trained=False))
        module.running_var.copy_(case.input(4, c, 0.5, 1.5, trained=False))
        module.eval()
        activation = behind.get(name, lambda y: y)
        case.keep("evaluate0", activation(module(x)))
        module.train(not frozen)
        y = activation(module(x))
        case.inputs = {0: x} if frozen else {0: x, 1: module.weight, 2: module.bias}
        case.output(y)
        for index, buffer in ((3, module.running_mean), (4, module.running_var), (5, module.num_batches_tracked)):
            case.keep(f"in{index}", buffer.reshape(-1))
        yield case


def conv_norms():
    for name, f in (("conv_norm", lambda y: y), ("conv_norm_silu", F.silu)):
        case = Case(name)
        x, weight = case.input(0, (3, 5, 4, 3)), case.input(1, (7, 5, 1, 1))
        module = torch.nn.BatchNorm2d(7, dtype=torch.float64)
        module.weight, module.bias = (torch.nn.Parameter(case.input(2, (7,), 0.5, 1.5)),
                                      torch.nn.Parameter(case.input(3, (7,))))
        module.running_mean.copy_(case.input(4, (7,), trained=False))
        module.running_var.copy_(case.input(5, (7,), 0.5, 1.5, trained=False))
        module.eval()
        case.keep("evaluate0", f(module(F.conv2d(x, weight))))
        module.train()
        case.inputs = {0: x, 1: weight, 2: module.weight, 3: module.bias}
        case.output(f(module(F.conv2d(x, weight))))
        for index, buffer in ((4, module.running_mean), (5, module.running_var), (6, module.num_batches_tracked)):
            case.keep(f"in{index}", buffer.reshape(-1))
        yield case


def elementwise():
    for name, shape, low, high, kinks, f in (("relu", (3, 3, 4, 5), -1, 1, (0,), F.relu),
                                             ("relu_rows", (4, 9), -1, 1, (0,), F.relu),
                                             ("relu6", (3, 3, 4, 5), -5, 11, (0, 6), F.relu6),
                                             ("silu", (3, 3, 4, 5), -6, 6, (), F.silu),
                                             ("silu_rows", (3, 7), -20, 20, (), F.silu),
                                             ("sigmoid", (3, 6, 1, 1), -8, 8, (), torch.sigmoid),
                                             ("gelu", (3, 3, 4, 5), -5, 5, (), F.gelu),
                                             ("hardsigmoid", (3, 3, 4, 5), -5, 5, (-3, 3), F.hardsigmoid),
                                             ("hardswish", (3, 3, 4, 5), -5, 5, (-3, 3), F.hardswish),
                                             ("hardswish_rows", (3, 7), -5, 5, (-3, 3), F.hardswish)):
        case = Case(name)
        case.output(f(case.input(0, shape, low, high, kinks)))
        yield case
    a, gate = (3, 5, 4, 3), (3, 5, 1, 1)
    for name, x, y, f in (("add", a, a, torch.add), ("add_spread", a, gate, torch.add), ("mul", a, a, torch.mul),
                          ("mul_spread", a, gate, torch.mul), ("mul_rows", (4, 7), (4, 7), torch.mul)):
        case = Case(name)
        case.output(f(case.input(0, x), case.input(1, y)))
        yield case


POOLS = [
    ("max_pool2d_2x2", (2, 3, 6, 4), dict(kernel_size=2)),
    ("max_pool2d_3x3_stride_pad", (2, 3, 7, 6), dict(kernel_size=3, stride=2, padding=1)),
    ("max_pool2d_ceil", (2, 2, 6, 5), dict(kernel_size=(3, 2), stride=2, ceil_mode=True)),
    ("max_pool2d_ceil_pad", (2, 2, 5, 6), dict(kernel_size=3, stride=(3, 2), padding=1, ceil_mode=True)),
    ("max_pool2d_overlap", (2, 2, 5, 4), dict(kernel_size=3, stride=1, padding=(1, 0))),
    ("avg_pool2d_2x2", (2, 3, 6, 4), dict(kernel_size=2)),
    ("avg_pool2d_pad", (2, 3, 7, 6), dict(kernel_size=3, stride=2, padding=1)),
    ("avg_pool2d_exclude_pad", (2, 3, 7, 6), dict(kernel_size=3, stride=2, padding=1, count_include_pad=False)),
    ("avg_pool2d_ceil", (2, 2, 6, 5), dict(kernel_size=(3, 2), stride=2, padding=1, ceil_mode=True)),
    ("avg_pool2d_ceil_exclude_pad", (2, 2, 6, 5),
     dict(kernel_size=(3, 2), stride=2, padding=1, ceil_mode=True, count_include_pad=False)),
]


def pools():
    for name, shape, options in POOLS:
        case = Case(name)
        case.output(getattr(F, name[:10])(case.input(0, shape), **options))
        yield case
    for name, shape, out in (("1x1", (3, 6, 5, 4), 1), ("3x2", (2, 3, 7, 5), (3, 2)), ("grow", (2, 2, 3, 4), (7, 4))):
        case = Case(f"adaptive_avg_pool2d_{name}")
        case.output(F.adaptive_avg_pool2d(case.input(0, shape), out))
        yield case


# ---- masks ----

def philox(key, counter):
    mask = 0xFFFFFFFF
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & mask, (a >> 32) ^ c[3] ^ k[1], a & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def fnv32(text):
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def kept(sample, count, p):
    """[count], 0 or 1."""
    key = (0, (3 * 0x9E3779B9) & 0xFFFFFFFF)
    words = []
    for block in range(-(-count // 4)):
        words += philox(key, (fnv32("layer"), 0, sample, block))
    return torch.tensor([0.0 if (w & 0xFFFFFF) * 2.0**-24 < p else 1.0 for w in words[:count]], dtype=torch.float64)


def masks():
    """Elements of a sample are numbered in the internal order: channels last."""
    for name, shape, p in (("dropout", (4, 50), 0.3), ("dropout_pictures", (3, 5, 4, 3), 0.5), ("dropout_none", (3, 9), 0.0),
                           ("stochastic_depth", (8, 2, 2, 3), 0.4)):
        case = Case(name)
        x = case.input(0, shape)
        rows = []
        for i in range(shape[0]):
            if name == "stochastic_depth":
                rows.append(kept(100 + 7 * i, 1, p).reshape(1, 1, 1).expand(shape[1:]))
            elif len(shape) == 4:
                rows.append(kept(100 + 7 * i, x[0].numel(), p).reshape(*shape[2:], shape[1]).permute(2, 0, 1))
            else:
                rows.append(kept(100 + 7 * i, shape[1], p))
        case.output(x * torch.stack(rows) / (1 - p))
        case.keep("evaluate0", x)
        yield case


def cross_entropies():
    for name, n, k, low, high, smoothing in (("cross_entropy", 4, 5, -4, 4, 0.0), ("cross_entropy_smooth", 3, 7, -4, 4, 0.1),
                                             ("cross_entropy_padded", 4, 5, -1, 1, 0.2),
                                             ("cross_entropy_far", 3, 6, -900, 900, 0.0)):
        case = Case(name)
        z = case.input(0, (n, k), low, high)
        target = (7 * torch.arange(n) + 3) % k
        if name.endswith("padded"):
            target[1] = -1
        loss = F.cross_entropy(z, target, reduction="none", label_smoothing=smoothing, ignore_index=-1)
        case.keep("out0", loss)
        case.keep("out1", z.argmax(1))
        case.gradients(loss, torch.full((n,), LOSS_WEIGHT, dtype=torch.float64))
        yield case


def others():
    case = Case("normalize")
    x = case.u("in0", (3, 3, 4, 5), 0, 256).floor().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    y = [pictures.normalize(pictures.to_tensor(p), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)) for p in x]
    case.keep("out0", torch.stack(y))
    yield case
    case = Case("flatten")
    case.output(torch.flatten(case.input(0, (3, 4, 2, 3)), 1))
    yield case


def make(folder):
    cases = [case for family in (others, convolutions, linears, rows, batch_norms, conv_norms, elementwise, pools, masks,
                                 cross_entropies)
             for case in family()]
    (folder / "ops.txt").write_text("\n".join(line for case in cases for line in case.lines()) + "\n")
