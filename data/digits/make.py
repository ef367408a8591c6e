"""Makes digits.png, the contact sheet that is kept in the repository, from scikit-learn's copy of the UCI digits.

usage: python3 data/digits/make.py digits.csv.gz data/digits/digits.png   (Pillow and numpy)
Layout: a band of three rows of tiles for each class, 61 tiles in a row, 8x8 pixels a tile, pictures in the order of the
source; the tiles left over are black. Ink 0…16 is stored as 0…255.
"""
import gzip
import sys

import numpy
from PIL import Image

COLUMNS, ROWS, SIDE = 61, 3, 8


def main(source, target):
    table = numpy.loadtxt(gzip.open(source), delimiter=",", dtype=int)
    pictures, classes = table[:, :-1].reshape(-1, SIDE, SIDE), table[:, -1]
    sheet = numpy.zeros((10 * ROWS * SIDE, COLUMNS * SIDE), numpy.uint8)
    for digit in range(10):
        for number, picture in enumerate(pictures[classes == digit]):
            y = (digit * ROWS + number // COLUMNS) * SIDE
            x = number % COLUMNS * SIDE
            sheet[y : y + SIDE, x : x + SIDE] = numpy.rint(picture * 255 / 16)
    Image.fromarray(sheet).save(target, optimize=True)


main(*sys.argv[1:])
