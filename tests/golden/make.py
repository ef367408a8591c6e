#!/usr/bin/env python3
"""Makes the stored expectations in tests/golden/expected: runs make(folder) of every module beside this file, or of those
named as arguments (`make.py ops models`). Needs PyTorch, torchvision, numpy and what a module says itself; lathe and its
tests need none of it. The versions used are recorded in expected/versions.txt."""

import importlib
import importlib.metadata
import pathlib
import platform
import sys

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ("torch", "torchvision", "torchmetrics", "numpy", "pillow")


def modules():
    for path in sorted(HERE.glob("*.py")):
        if path.name != "make.py" and "\ndef make(" in path.read_text():
            yield path.stem


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def main(chosen):
    unknown = set(chosen) - set(modules())
    if unknown:
        sys.exit(f"make.py: no module {', '.join(sorted(unknown))}; there are {', '.join(modules())}")
    folder = HERE / "expected"
    folder.mkdir(exist_ok=True)
    for name in chosen or modules():
        print(f"making {name}")
        importlib.import_module(name).make(folder)
    lines = [f"python {platform.python_version()}"] + [f"{package} {version(package)}" for package in PACKAGES]
    (folder / "versions.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
