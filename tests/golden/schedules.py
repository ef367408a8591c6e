"""Learning rates of torch.optim.lr_scheduler at every step. Each case is one line of lathe's YAML, then the rates."""

import torch
from torch.optim import lr_scheduler as torch_schedules

BASE = 0.1


def case(lines, yaml, make, steps, total=0):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE)
    schedule = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    lines.append(f"case {steps} {total} {yaml}")
    lines.extend(repr(rate) for rate in rates)


def warm(optimizer, steps, start, after):
    linear = torch_schedules.LinearLR(optimizer, start_factor=start, total_iters=steps)
    return torch_schedules.SequentialLR(optimizer, [linear, after(optimizer)], milestones=[steps])


def make(folder):
    t, lines = torch_schedules, []
    case(lines, "{name: constant}", lambda o: t.LambdaLR(o, lambda _: 1.0), 5)
    case(lines, "{name: step, step_size: 7, gamma: 0.3}", lambda o: t.StepLR(o, 7, 0.3), 50)
    case(lines, "{name: multi_step, milestones: [3, 11, 20]}", lambda o: t.MultiStepLR(o, [3, 11, 20]), 30)
    case(lines, "{name: exponential, gamma: 0.97}", lambda o: t.ExponentialLR(o, 0.97), 100)
    case(lines, "{name: cosine_annealing, T_max: 10}", lambda o: t.CosineAnnealingLR(o, 10), 65)
    case(lines, "{name: cosine_annealing, T_max: 1, eta_min: 0.01}", lambda o: t.CosineAnnealingLR(o, 1, 0.01), 9)
    case(lines, "{name: cosine_annealing, T_max: 300, eta_min: 0.002}", lambda o: t.CosineAnnealingLR(o, 300, 0.002), 1300)
    case(lines, "{name: cosine_annealing}", lambda o: t.CosineAnnealingLR(o, 100), 101, total=100)
    case(lines, "{name: cosine_annealing, eta_min: 0.001, warmup: {steps: 20, start_factor: 0.01}}",
         lambda o: warm(o, 20, 0.01, lambda p: t.CosineAnnealingLR(p, 80, 0.001)), 101, total=100)
    case(lines, "{name: step, step_size: 4, warmup: {steps: 5}}",
         lambda o: warm(o, 5, 1 / 3, lambda p: t.StepLR(p, 4)), 30)
    case(lines, "{name: exponential, gamma: 0.9, warmup: {steps: 1, start_factor: 0.5}}",
         lambda o: warm(o, 1, 0.5, lambda p: t.ExponentialLR(p, 0.9)), 30)
    (folder / "schedules.txt").write_text("\n".join(lines) + "\n")
