"""The pipelines that people have: torchvision on Pillow, simplejpeg + OpenCV, and torch's DataLoader.

usage: python3 peer_pipeline.py make FOLDER               400 JPEGs of about 500x375, 4:2:0, quality 90
       python3 peer_pipeline.py make-large FOLDER         48 of 2048x1536
       python3 peer_pipeline.py pil|cv2|loader FOLDER train|val [WORKERS]
prints the time to the first batch (loader) and pictures per second: of CPU time of one thread, or of wall time (loader)
"""

import pathlib
import sys
import time

import numpy

SIZE = 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def make(folder):
    """Parts of scikit-learn's two photographs."""
    from PIL import Image
    from sklearn.datasets import load_sample_images
    rng = numpy.random.default_rng(1)
    photos = [Image.fromarray(photo) for photo in load_sample_images().images]
    for i in range(400):
        w, h = 500 - int(rng.integers(0, 40)), 375 - int(rng.integers(0, 40))
        photo = photos[i % 2]
        left, top = int(rng.integers(0, photo.width - w + 1)), int(rng.integers(0, photo.height - h + 1))
        part = photo.crop((left, top, left + w, top + h))
        out = folder / f"class{i % 4}" / f"{i:04}.jpg"
        out.parent.mkdir(parents=True, exist_ok=True)
        (part if rng.random() < 0.5 else part.transpose(Image.FLIP_LEFT_RIGHT)).save(out, quality=90, subsampling="4:2:0")


def make_large(folder):
    """Parts made larger, and a sensor's noise."""
    from PIL import Image
    from sklearn.datasets import load_sample_images
    rng = numpy.random.default_rng(2)
    photos = [Image.fromarray(photo) for photo in load_sample_images().images]
    for i in range(48):
        w = int(rng.integers(400, 561))
        h, photo = w * 3 // 4, photos[i % 2]
        left, top = int(rng.integers(0, photo.width - w + 1)), int(rng.integers(0, photo.height - h + 1))
        part = numpy.asarray(photo.resize((2048, 1536), Image.BICUBIC, (left, top, left + w, top + h)), numpy.float32)
        part = (part + rng.normal(0, 3, part.shape)).clip(0, 255).astype(numpy.uint8)
        out = folder / f"class{i % 4}" / f"{i:04}.jpg"
        out.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(part).save(out, quality=90, subsampling="4:2:0")


def torchvision_transforms(train):
    from torchvision import transforms as T
    if train:
        steps = [T.RandomResizedCrop(SIZE), T.RandomHorizontalFlip(), T.ColorJitter(0.2, 0.2, 0.2)]
    else:
        steps = [T.Resize(256), T.CenterCrop(SIZE)]
    return T.Compose(steps + [T.ToTensor(), T.Normalize(MEAN, STD)])


def cv2_transforms(train):
    import cv2
    import simplejpeg
    cv2.setNumThreads(1)
    rng = numpy.random.default_rng(1)
    mean, std = numpy.float32(MEAN) * 255, numpy.float32(STD) * 255

    def apply(path):
        image = simplejpeg.decode_jpeg(pathlib.Path(path).read_bytes(), colorspace="RGB")
        h, w = image.shape[:2]
        if not train:
            scale = 256 / min(h, w)
            image = cv2.resize(image, (int(w * scale), int(h * scale)), interpolation=cv2.INTER_AREA)
            top, left = (image.shape[0] - SIZE) // 2, (image.shape[1] - SIZE) // 2
            return (image[top:top + SIZE, left:left + SIZE].astype(numpy.float32) - mean) / std
        for _ in range(10):
            area = h * w * rng.uniform(0.08, 1)
            ratio = numpy.exp(rng.uniform(numpy.log(3 / 4), numpy.log(4 / 3)))
            cw, ch = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
            if 0 < cw <= w and 0 < ch <= h:
                break
        else:
            cw, ch = w, h
        top, left = rng.integers(0, h - ch + 1), rng.integers(0, w - cw + 1)
        image = cv2.resize(image[top:top + ch, left:left + cw], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        if rng.random() < 0.5:
            image = cv2.flip(image, 1)
        for kind in rng.permutation(3):
            f = float(rng.uniform(0.8, 1.2))
            if kind == 0:
                image = cv2.convertScaleAbs(image, alpha=f)
            elif kind == 1:
                grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).mean()
                image = cv2.convertScaleAbs(image, alpha=f, beta=grey * (1 - f))
            else:
                grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
                image = cv2.addWeighted(image, f, grey, 1 - f, 0)
        return (image.astype(numpy.float32) - mean) / std

    return apply


def single(kind, folder, train):
    from PIL import Image
    paths = sorted(pathlib.Path(folder).glob("*/*.jpg"))
    if kind == "cv2":
        apply = cv2_transforms(train)
    else:
        steps = torchvision_transforms(train)

        def apply(path):
            with open(path, "rb") as file:
                return steps(Image.open(file).convert("RGB"))

    import torch
    torch.set_num_threads(1)
    apply(paths[0])
    begin = time.process_time()
    for path in paths:
        apply(path)
    print(f"first 0 ms, {len(paths) / (time.process_time() - begin):.0f} pictures/s")


def loader(folder, train, workers):
    import torch
    import torchvision
    torch.set_num_threads(1)
    images = torchvision.datasets.ImageFolder(folder, torchvision_transforms(train))
    batches = torch.utils.data.DataLoader(images, batch_size=64, shuffle=train, num_workers=workers)
    begin, first, count = time.perf_counter(), 0, 0
    for image, _ in batches:
        first = first or time.perf_counter() - begin
        count += len(image)
    print(f"first {1e3 * first:.1f} ms, {count / (time.perf_counter() - begin):.0f} pictures/s")


what, where = sys.argv[1], pathlib.Path(sys.argv[2])
if what == "make":
    make(where)
elif what == "make-large":
    make_large(where)
elif what == "loader":
    loader(where, sys.argv[3] == "train", int(sys.argv[4]))
else:
    single(what, where, sys.argv[3] == "train")
