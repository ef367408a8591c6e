"""Pixels that Pillow decodes, crops, scales and jitters. Small files of every kind are stored as hexadecimal text; what Pillow makes
of them as FNV-1a hashes. Lines: `file NAME WIDTH HEIGHT HASH HEX`, `bad NAME HEX`, `resize NAME TOP LEFT H W OUT_H OUT_W HASH`,
`jitter NAME KIND FACTOR HASH`, `flip NAME HASH`, `split N SEED TRAIN HASH_OF_INDICES`."""

import io
import random
import struct
import zlib

import numpy
import torch
from PIL import Image, ImageEnhance, ImageOps


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def scene(width, height, seed):
    """A smooth picture with noise, edges and saturated corners."""
    rng = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width]
    channels = [127 + 127 * numpy.sin(x / (3 + c) + y / (5 - c)) for c in range(3)]
    picture = numpy.stack(channels, -1) + rng.normal(0, 12, (height, width, 3))
    picture[: height // 4, : width // 4] = (255, 0, 0)
    picture[-height // 5 :, -width // 3 :] = (0, 0, 255)
    return Image.fromarray(numpy.clip(picture, 0, 255).astype(numpy.uint8))


def like_a_photo(width, height, seed):
    """Noise whose amplitude falls with frequency as that of photographs does, with weak colours."""
    rng = numpy.random.default_rng(seed)
    frequency = numpy.hypot(numpy.fft.fftfreq(height)[:, None], numpy.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = numpy.inf
    planes = []
    for mean, deviation in ((120, 50), (128, 15), (128, 15)):
        plane = numpy.fft.irfft2(numpy.fft.rfft2(rng.normal(size=(height, width))) / frequency**1.1, (height, width))
        planes.append(mean + deviation * plane / plane.std())
    picture = numpy.stack(planes, -1).clip(0, 255).astype(numpy.uint8)
    return Image.fromarray(picture, "YCbCr").convert("RGB")


def encoded(image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def jpeg_files(rgb):
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        for progressive in (False, True):
            kind = "progressive" if progressive else "baseline"
            yield f"jpeg_{kind}_{name}", encoded(rgb, "JPEG", quality=85, subsampling=subsampling, progressive=progressive)
    yield "jpeg_grey", encoded(rgb.convert("L"), "JPEG", quality=80)
    yield "jpeg_cmyk", encoded(rgb.convert("CMYK"), "JPEG", quality=80)
    yield "jpeg_optimized", encoded(rgb, "JPEG", quality=30, optimize=True)


def png_files(rgb):
    alpha = Image.fromarray((numpy.indices(rgb.size[::-1]).sum(0) * 3 % 256).astype(numpy.uint8))
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    grey_alpha = rgb.convert("L")
    grey_alpha.putalpha(alpha)
    palette = rgb.quantize(32)
    wide = Image.fromarray((numpy.indices(rgb.size[::-1]).sum(0) * 37 % 65536).astype(numpy.uint16))
    yield "png_rgb", encoded(rgb, "PNG")
    yield "png_rgba", encoded(rgba, "PNG")
    yield "png_grey", encoded(rgb.convert("L"), "PNG")
    yield "png_grey_alpha", encoded(grey_alpha, "PNG")
    yield "png_1bit", encoded(rgb.convert("1"), "PNG")
    yield "png_palette", encoded(palette, "PNG")
    yield "png_palette_trns", encoded(palette, "PNG", transparency=3)
    yield "png_palette_2bit", encoded(rgb.quantize(4), "PNG", bits=2)
    yield "png_rgb_trns", encoded(rgb, "PNG", transparency=(255, 0, 0))
    yield "png_grey_trns", encoded(rgb.convert("L"), "PNG", transparency=7)
    yield "png_grey16", encoded(wide, "PNG")
    for name, color, depth in (("grey2", 0, 2), ("grey4", 0, 4), ("rgb16", 2, 16), ("rgba16", 6, 16), ("grey_alpha16", 4, 16)):
        yield f"png_{name}", raw_png(21, 17, color, depth, interlaced=False)
    for name, color, depth in (("rgb", 2, 8), ("palette", 3, 4), ("rgba", 6, 8), ("grey16", 0, 16)):
        yield f"png_interlaced_{name}", raw_png(21, 17, color, depth, interlaced=True)


def raw_png(width, height, color, depth, interlaced):
    """A PNG of kinds that Pillow does not write."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    rng = random.Random(width * 1000 + color * 100 + depth)
    full = [[[rng.randrange(1 << depth) for _ in range(channels)] for _ in range(width)] for _ in range(height)]

    def rows(picture):
        out = b""
        for line in picture:
            bits = "".join(format(v, f"0{depth}b") for pixel in line for v in pixel)
            bits += "0" * (-len(bits) % 8)
            out += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
        return out

    if interlaced:
        data = b""
        for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
            part = [line[x0::dx] for line in full[y0::dy]]
            if part and part[0]:
                data += rows(part)
    else:
        data = rows(full)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    palette = chunk(b"PLTE", bytes(rng.randrange(256) for _ in range(3 << depth))) if color == 3 else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def bad_files(rgb):
    jpeg, png = encoded(rgb, "JPEG", quality=85), encoded(rgb, "PNG")
    yield "empty", b""
    yield "text", b"not a picture at all"
    yield "jpeg_truncated", jpeg[: len(jpeg) // 2]
    yield "jpeg_no_eoi", jpeg[:-2]
    yield "jpeg_header_only", jpeg[:20]
    huge = bytearray(jpeg)
    at = huge.index(b"\xff\xc0")
    huge[at + 5 : at + 9] = (65000).to_bytes(2, "big") * 2
    yield "jpeg_65000", bytes(huge)
    yield "png_truncated", png[: len(png) // 2]
    crc = bytearray(png)
    crc[png.index(b"IEND") - 8] ^= 0xFF
    yield "png_bad_crc", bytes(crc)
    tall = bytearray(png)
    tall[16:24] = (65000).to_bytes(4, "big") * 2
    tall[29:33] = zlib.crc32(tall[12:29]).to_bytes(4, "big")
    yield "png_65000", bytes(tall)
    yield "gif", encoded(rgb.quantize(8), "GIF")
    yield "webp", encoded(rgb, "WEBP")
    yield "bmp", encoded(rgb, "BMP")


def make(folder):
    rng = random.Random(5)
    rgb = scene(45, 33, 1)
    lines, opened = [], {}
    files = [*jpeg_files(rgb), *png_files(rgb), ("jpeg_large", encoded(scene(160, 117, 2), "JPEG", quality=75))]
    for name, subsampling in (("420", 2), ("422", 1)):
        files.append((f"photo_{name}", encoded(like_a_photo(233, 174, 3), "JPEG", quality=85, subsampling=subsampling)))
    for name, data in files:
        image = Image.open(io.BytesIO(data)).convert("RGB")
        opened[name] = image
        lines.append(f"file {name} {image.width} {image.height} {fnv(image.tobytes())} {data.hex()}")
    for name, data in bad_files(rgb):
        lines.append(f"bad {name} {data.hex() or '-'}")
    for i in range(100):
        name = ("jpeg_large", "jpeg_baseline_420")[i % 2]
        image = opened[name]
        h, w = rng.randint(1, image.height), rng.randint(1, image.width)
        top, left = rng.randint(0, image.height - h), rng.randint(0, image.width - w)
        out_h, out_w = rng.choice([(32, 32), (7, 50), (64, 9), (h, 20), (20, w), (1, 1)])
        scaled = image.crop((left, top, left + w, top + h)).resize((out_w, out_h), Image.BILINEAR)
        lines.append(f"resize {name} {top} {left} {h} {w} {out_h} {out_w} {fnv(scaled.tobytes())}")
    enhancers = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
    for i in range(100):
        factor = float(numpy.float32(rng.choice([0, 1, rng.uniform(0, 2), rng.uniform(0.8, 1.2)])))
        image = enhancers[i % 3](opened["jpeg_large"]).enhance(factor)
        lines.append(f"jitter jpeg_large {i % 3} {factor!r} {fnv(image.tobytes())}")
    lines.append(f"flip jpeg_large {fnv(ImageOps.mirror(opened['jpeg_large']).tobytes())}")
    for n in (10, 1000, 1797, 100000):
        order = torch.randperm(n, generator=torch.Generator().manual_seed(42)).numpy()
        parts = torch.utils.data.random_split(range(n), [int(0.8 * n), n - int(0.8 * n)], torch.Generator().manual_seed(42))
        assert list(parts[0].indices) == order[: int(0.8 * n)].tolist()
        lines.append(f"split {n} 42 {int(0.8 * n)} {fnv(order.astype('<i8').tobytes())}")
    (folder / "pixels.txt").write_text("\n".join(lines) + "\n")
