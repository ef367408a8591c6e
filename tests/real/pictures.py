"""Makes folders of real pictures out of the packages that fetch.sh unpacked. Needs Pillow.

usage: python3 tests/real/pictures.py photos|stamps|patches CACHE OUT
"""

import pathlib
import shutil
import sys

from PIL import Image

STAMPS = "tuxpaint-stamps-default/usr/share/tuxpaint/stamps"
STAMP_CLASSES = {
    "mammals": "animals/mammals",
    "birds": "animals/birds",
    "insects": "animals/insects",
    "fruit": "food/fruit",
    "vegetables": "food/vegetables",
    "flowers": "plants/flowers",
}
PHOTOS = ["scikit-image/skimage/data/" + name for name in ("coffee.png", "chelsea.png", "rocket.jpg")]
PHOTOS += ["scikit-learn/sklearn/datasets/images/" + name for name in ("china.jpg", "flower.jpg")]
PHOTO_STAMPS = """food/fruit/strawberry animals/mammals/camel/camel food/vegetables/broccoli animals/mammals/aquatic/sea_lion
    vehicles/emergency/firetruck animals/birds/hen hobbies/music/string/guitar_electric animals/mammals/equines/zebra
    animals/birds/penguin food/fruit/banana food/fruit/lemon animals/mammals/cats/tiger_sumatran animals/birds/peacock
    animals/birds/pink_flamingo animals/mammals/apes/gorilla symbols/clockface""".split()
NOT_PHOTOGRAPHS = ("GreenTraditional",)
PATCH, PATCHES = 160, 40


def on_white(path):
    """The stamp in the middle of a white square, so large that cropping 224 of 256 keeps all of it."""
    stamp = Image.open(path).convert("RGBA")
    side = max(stamp.size) * 256 // 224
    square = Image.new("RGBA", (side, side), "white")
    square.alpha_composite(stamp, ((side - stamp.width) // 2, (side - stamp.height) // 2))
    return square.convert("RGB")


def photos(cache, out):
    for name in PHOTOS:
        shutil.copy(cache / name, out)
    for name in PHOTO_STAMPS:
        path = cache / STAMPS / (name + ".png")
        on_white(path).save(out / path.name)


def stamps(cache, out):
    """The files as they are: RGBA, grey with alpha, palette."""
    for name, folder in STAMP_CLASSES.items():
        (out / name).mkdir()
        for path in sorted((cache / STAMPS / folder).rglob("*.png")):
            if "cartoon" not in path.parts:
                shutil.copy(path, out / name)


def cut(path, folder, number):
    """Disjoint squares spread evenly over the photograph; every other class progressive, chroma halved in turn."""
    photo = Image.open(path).convert("RGB")
    columns, rows = photo.width // PATCH, photo.height // PATCH
    for i in range(min(PATCHES, columns * rows)):
        place = i * columns * rows // min(PATCHES, columns * rows)
        x, y = place % columns * PATCH, place // columns * PATCH
        square = photo.crop((x, y, x + PATCH, y + PATCH))
        square.save(folder / f"{i:03}.jpg", quality=90, progressive=number % 2 == 1, subsampling=i % 3)


def patches(cache, out):
    found = [path for package in ("mate-backgrounds", "ukui-wallpapers") for path in (cache / package).rglob("*.jpg")]
    chosen = [path for path in sorted(found) if "_" not in path.stem and path.stem not in NOT_PHOTOGRAPHS]
    for number, path in enumerate(chosen):
        folder = out / path.stem.lower()
        folder.mkdir()
        cut(path, folder, number)


def main(what, cache, out):
    folder = pathlib.Path(out)
    folder.mkdir()
    {"photos": photos, "stamps": stamps, "patches": patches}[what](pathlib.Path(cache), folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
