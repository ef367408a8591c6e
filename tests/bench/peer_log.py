"""Writes a log of wandb's as `feed make FOLDER STEPS 2` writes one of lathe's: peer_log.py FOLDER STEPS"""
import math
import os
import sys

folder, steps = sys.argv[1], int(sys.argv[2])
os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DIR=folder)
import wandb  # noqa: E402: it reads the environment

run = wandb.init(project="lathe", settings=wandb.Settings(x_disable_stats=True, console="off"))
for step in range(steps):
    run.log({"train/loss": 2.3 * math.exp(-3 * step / steps) + 0.1 * math.sin(step), "grad_norm": 1 + math.cos(step / 100)})
run.finish()
