"""Steps of a torchvision model in PyTorch on a batch in memory, as step.c times lathe's.

usage: python3 peer_step.py MODEL BATCH SIZE THREADS STEPS eager|channels_last [32|bf16-mixed [train|evaluate]]
prints the milliseconds of each step
"""

import sys
import time

import torch
import torchvision

name, batch, size, threads, steps, memory_format = sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6]
narrow, evaluates = "bf16-mixed" in sys.argv[7:], "evaluate" in sys.argv[7:]
torch.set_num_threads(threads)
torch.manual_seed(0)
model = getattr(torchvision.models, name)(num_classes=10)
image, target = torch.randn(batch, 3, size, size), torch.randint(0, 10, (batch,))
if memory_format == "channels_last":
    model = model.to(memory_format=torch.channels_last)
    image = image.to(memory_format=torch.channels_last)
model.train(not evaluates)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)


def train():
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
        loss = torch.nn.functional.cross_entropy(model(image), target)
    loss.backward()
    optimizer.step()


def evaluate():
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=narrow):
        model(image)


for _ in range(steps):
    begin = time.perf_counter()
    evaluate() if evaluates else train()
    print(f"all {1e3 * (time.perf_counter() - begin):.1f} ms", flush=True)
