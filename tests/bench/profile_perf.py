"""Kernel times of lathe's own profile beside those of `perf`, which interrupts the same run at fixed intervals.

usage: perf script … | python3 profile_perf.py BINARY PROFILE.json
Samples are put to the op in whose file the function below plan_forward, plan_backward or plan_update lies. Exits with 1
when one of the eight longest differs by more than 5 % of its share.
"""

import bisect
import collections
import json
import subprocess
import sys

LONGEST, TOLERANCE = 8, 0.05
PHASES = {"plan_forward": "forward", "plan_backward": "backward", "plan_update": "optimizer"}


def functions(binary):
    """(first address, last address, file) of every function: local ones follow the name of their file."""
    found, file = [], ""
    for line in subprocess.run(["readelf", "-sW", binary], capture_output=True, text=True, check=True).stdout.splitlines():
        part = line.split()
        if len(part) < 8 or not part[0].endswith(":"):
            continue
        if part[3] == "FILE":
            file = part[7]
        elif part[3] == "FUNC" and part[4] == "LOCAL":
            found.append((int(part[1], 16), int(part[1], 16) + int(part[2], 0), file))
    return sorted(found)


def op_of(address, table):
    at = bisect.bisect(table, (address, 1 << 62, "")) - 1
    inside = at >= 0 and table[at][0] <= address < table[at][1]
    return table[at][2].removesuffix("_cpu.c") if inside else "flat"


def samples(table):
    count = collections.Counter()
    for block in sys.stdin.read().split("\n\n"):
        frames = [line.split(None, 1) for line in block.splitlines()[1:]]
        for i in range(1, len(frames)):
            phase = PHASES.get(frames[i][1].split("+")[0]) if len(frames[i]) > 1 else None
            if phase:
                op = op_of(int(frames[i - 1][0], 16), table)
                count["optimizer" if phase == "optimizer" else f"{phase} {op}"] += 1
                break
    return count


def profiled(path):
    seconds = collections.Counter()
    rows = json.load(open(path))["whole"]
    for parent, name, _, total, own, _, _, _, is_kernel in rows:
        above = parent
        while above >= 0 and rows[above][1] not in ("forward", "backward"):
            above = rows[above][0]
        if is_kernel and above >= 0:
            op = "flat" if name.endswith(" (add)") else name.removesuffix(" (again)")
            seconds[f"{rows[above][1]} {op}"] += own * 1e-9
        elif name == "optimizer":
            seconds[name] += total * 1e-9
    return seconds


perf, lathe = samples(functions(sys.argv[1])), profiled(sys.argv[2])
perf_all, lathe_all = sum(perf.values()), sum(lathe.values())
print(f"{'kernel':40} {'lathe s':>9} {'share':>8} {'perf samples':>13} {'share':>8} {'lathe/perf':>11}")
worst = 0
for rank, (name, seconds) in enumerate(lathe.most_common()):
    share, other = seconds / lathe_all, perf[name] / perf_all
    if rank < LONGEST:
        worst = max(worst, abs(share / other - 1) if other else 1)
    print(f"{name:40} {seconds:9.3f} {100 * share:7.2f}% {perf[name]:13} {100 * other:7.2f}% "
          f"{share / other if other else float('nan'):11.3f}")
missing = {name: count for name, count in perf.items() if name not in lathe}
if missing:
    print("of perf only:", missing)
print(f"the {LONGEST} longest are at most {100 * worst:.1f} % apart")
sys.exit(worst > TOLERANCE)
