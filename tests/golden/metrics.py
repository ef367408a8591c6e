"""torchmetrics' values on random targets and predictions, classes absent from either. Each case: a line `case classes n`, a
line of targets, a line of predictions, then `name average value` lines."""

import torch
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

ACCURACY, F1 = ("micro", "macro"), ("macro", "micro", "weighted")


def make(folder):
    generator = torch.Generator().manual_seed(7)
    lines = []
    for classes, n, used in [(2, 9, 2), (5, 40, 5), (10, 60, 6), (10, 3, 10), (7, 50, 1), (30, 200, 20)]:
        target = torch.randint(0, used, (n,), generator=generator)
        guess = torch.randint(0, classes, (n,), generator=generator)
        hit = torch.rand(n, generator=generator) < 0.6
        predicted = torch.where(hit, target, guess if n != 50 else target)
        lines.append(f"case {classes} {n}")
        lines.append(" ".join(map(str, target.tolist())))
        lines.append(" ".join(map(str, predicted.tolist())))
        for average in ACCURACY:
            value = MulticlassAccuracy(classes, average=average)(predicted, target).double().item()
            lines.append(f"accuracy {average} {value!r}")
        for average in F1:
            value = MulticlassF1Score(classes, average=average)(predicted, target).double().item()
            lines.append(f"f1_score {average} {value!r}")
    (folder / "metrics.txt").write_text("\n".join(lines) + "\n")
