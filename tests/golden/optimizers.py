"""Parameters after some updates of torch.optim's optimizers, from parameters and gradients given by formula, in float64 and
float32. Parameter i starts at cos(i) and has the gradient sin(3 i + 7 t) / (1 + i % 5) at update t = 1, 2, …; the second
half of the parameters is a group of its own without weight decay."""

import torch

COUNT, UPDATES = 40, 5
CASES = [
    ("{name: sgd, lr: 0.05}", torch.optim.SGD, dict(lr=0.05)),
    ("{name: sgd, lr: 0.05, momentum: 0.9, dampening: 0.2, weight_decay: 0.01}", torch.optim.SGD,
     dict(lr=0.05, momentum=0.9, dampening=0.2, weight_decay=0.01)),
    ("{name: sgd, lr: 0.05, momentum: 0.9, nesterov: true, weight_decay: 0.1}", torch.optim.SGD,
     dict(lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.1)),
    ("{name: adam, lr: 0.01, weight_decay: 0.1}", torch.optim.Adam, dict(lr=0.01, weight_decay=0.1)),
    ("{name: adam, betas: [0.3, 0.99], eps: 1e-4}", torch.optim.Adam, dict(betas=(0.3, 0.99), eps=1e-4)),
    ("{name: adamw}", torch.optim.AdamW, dict()),
    ("{name: adamw, lr: 0.02, weight_decay: 0.2}", torch.optim.AdamW, dict(lr=0.02, weight_decay=0.2)),
]


def run(kind, options, dtype):
    index = torch.arange(COUNT, dtype=torch.float64)
    start = torch.cos(index).to(dtype)
    parts = [torch.nn.Parameter(start[: COUNT // 2].clone()), torch.nn.Parameter(start[COUNT // 2:].clone())]
    optimizer = kind([{"params": parts[:1]}, {"params": parts[1:], "weight_decay": 0.0}], foreach=False, **options)
    for t in range(1, UPDATES + 1):
        gradient = (torch.sin(3 * index + 7 * t) / (1 + index % 5)).to(dtype)
        parts[0].grad, parts[1].grad = gradient[: COUNT // 2].clone(), gradient[COUNT // 2:].clone()
        optimizer.step()
        if t == 1:
            first = torch.cat([p.detach().clone() for p in parts])
    return first, torch.cat([p.detach() for p in parts])


def make(folder):
    lines = []
    for yaml, kind, options in CASES:
        lines.append(f"case {yaml}")
        columns = [column for dtype in (torch.float64, torch.float32) for column in run(kind, options, dtype)]
        lines.extend(" ".join(repr(column[i].item()) for column in columns) for i in range(COUNT))
    (folder / "optimizers.txt").write_text("\n".join(lines) + "\n")
