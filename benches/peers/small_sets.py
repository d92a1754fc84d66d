"""Makes of a folder of small JPEGs the same pictures as PNG files, and as IDX files in gray: what `load.py --png` and `--idx` read.

    venv/bin/python benches/peers/small_sets.py CIFAR/train small-sets --count 5000

Files are taken evenly from all. `small-sets/png/CLASS/NAME.png` holds the pixels that Pillow decodes; `small-sets/images.idx3` and
`labels.idx1` hold them in gray, all of the size of the first, as MNIST's files do.
"""

import argparse
import struct
from pathlib import Path

from PIL import Image


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=5000)
    options = parser.parse_args()
    paths = sorted(path for path in options.folder.rglob("*") if path.is_file())
    paths = paths[:: max(1, len(paths) // options.count)][: options.count]
    classes = sorted({path.parent.name for path in paths})
    pixels, labels, size = [], [], None
    for path in paths:
        picture = Image.open(path).convert("RGB")
        size = size or picture.size
        to = options.out / "png" / path.parent.name / f"{path.stem}.png"
        to.parent.mkdir(parents=True, exist_ok=True)
        picture.save(to)
        pixels.append(picture.convert("L").resize(size).tobytes())
        labels.append(classes.index(path.parent.name))
    width, height = size
    (options.out / "images.idx3").write_bytes(struct.pack(">IIII", 0x803, len(pixels), height, width) + b"".join(pixels))
    (options.out / "labels.idx1").write_bytes(struct.pack(">II", 0x801, len(labels)) + bytes(labels))


if __name__ == "__main__":
    main()
