"""Loading beside other loaders: from files to normalised batches, images a second, two threads or worker processes each.

    cargo bench --no-run --bench load_peers
    python3 -m venv venv && venv/bin/pip install -r benches/peers/load_requirements.txt
    venv/bin/python benches/peers/load.py ../shared/data/photos > load.md

A picture is decoded, cropped at random to 224x224 (8 to 100 % of its area, sides 3:4 to 4:3, bilinear with antialias; OpenCV has none),
mirrored every other time, normalised and put into batches of 64, planes of 32-bit numbers; `--jitter` adds brightness,
contrast, saturation 0.4 and hue 0.1. `--small` takes pictures of 32x32 instead: padded by 4, cropped, mirrored, normalised, 128 a
batch. `--png` and `--idx` do the same with what `small_sets.py` left in FOLDER (`load.py FOLDER/png --png`, `load.py FOLDER
--idx`): PNG files, and gray pictures of IDX files, which every side holds in memory, decoded. `--raw` gives our side shards of the same
pictures, resized to 256x256 and stored raw, which `target/release/pipeline` makes (`cargo build --release`), and others the photographs. Files are in the page cache: every side sees all of them once before the clock runs. Sides are processes that are stopped while
others work, so that none has threads that wait busily beside another; they take turns for `--seconds` each, `--rounds` times. A figure is the median. `--python SIDE=PROGRAM` runs a
side in another environment, `--only SIDE` takes some. SPDL needs FFmpeg's libraries (`apt-get install ffmpeg`).
"""

import argparse
import glob
import json
import os
import platform
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
THREADS = 2
SIDES = ("augpipe", "dali", "torchvision-tensor", "torchvision-pil", "albumentations", "tf.data", "spdl")


def in_memory(folder):
    """The pictures of an IDX file: count, height, width and one channel."""
    import numpy as np

    bytes_ = (Path(folder) / "images.idx3").read_bytes()
    return np.frombuffer(bytes_, np.uint8, offset=16).reshape(*np.frombuffer(bytes_, ">u4", 3, 4), 1)


def samples(options):
    """What a side is given to read from: paths, or pictures."""
    return list(in_memory(options.folder)) if options.idx else files(options.folder)


def files(folder):
    return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())


# Every side is a generator that gives the number of pictures of a batch.


def from_torch(dataset, batch):
    from torch.utils.data import DataLoader

    loader = DataLoader(dataset, batch, shuffle=True, num_workers=THREADS, persistent_workers=True, drop_last=True)
    while True:
        for images in loader:
            assert images.dtype.is_floating_point and images.shape[1] in (1, 3)
            yield len(images)


class Listed:
    """A data set for PyTorch's loader: `read(path)` is all that happens to a picture."""

    def __init__(self, paths, read):
        self.paths, self.read = paths, read

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        return self.read(self.paths[index])


def torchvision_steps(options, tensor):
    import torch
    from torchvision.transforms import v2

    if options.small:
        steps = [v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()]
    else:
        steps = [v2.RandomResizedCrop(224, antialias=True), v2.RandomHorizontalFlip()]
    steps += [v2.ColorJitter(0.4, 0.4, 0.4, 0.1)] if options.jitter else []
    steps += [] if tensor else [v2.PILToTensor()]
    return v2.Compose([*steps, v2.ToDtype(torch.float32, scale=True), v2.Normalize(*normal(options))])


def normal(options):
    return (MEAN[:1], STD[:1]) if options.idx else (MEAN, STD)


class ReadTensor:
    def __init__(self, options):
        self.steps = torchvision_steps(options, True)

    def __call__(self, path):
        if not isinstance(path, str):
            import torch

            return self.steps(torch.from_numpy(path.transpose(2, 0, 1).copy()))
        from torchvision.io import ImageReadMode, decode_image, read_file

        return self.steps(decode_image(read_file(path), ImageReadMode.RGB))


class ReadPil:
    def __init__(self, options):
        self.steps = torchvision_steps(options, False)

    def __call__(self, path):
        from PIL import Image

        if not isinstance(path, str):
            return self.steps(Image.fromarray(path[:, :, 0]))
        return self.steps(Image.open(path).convert("RGB"))


class ReadCv:
    def __init__(self, options):
        import albumentations as A

        if options.small:
            steps = [A.PadIfNeeded(40, 40), A.RandomCrop(32, 32), A.HorizontalFlip()]
        else:
            steps = [A.RandomResizedCrop((224, 224)), A.HorizontalFlip()]
        steps += [A.ColorJitter((0.6, 1.4), (0.6, 1.4), (0.6, 1.4), (-0.1, 0.1), p=1)] if options.jitter else []
        self.steps = A.Compose([*steps, A.Normalize(*normal(options)), A.ToTensorV2()])

    def __call__(self, path):
        import cv2

        cv2.setNumThreads(0)
        if not isinstance(path, str):
            return self.steps(image=path)["image"]
        return self.steps(image=cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB))["image"]


def torchvision_tensor(paths, options):
    yield from from_torch(Listed(paths, ReadTensor(options)), options.batch)


def torchvision_pil(paths, options):
    yield from from_torch(Listed(paths, ReadPil(options)), options.batch)


def albumentations(paths, options):
    yield from from_torch(Listed(paths, ReadCv(options)), options.batch)


def dali(paths, options):
    from nvidia.dali import fn, pipeline_def, types

    def batches():
        import numpy as np

        every = np.stack(paths)
        while True:
            order = np.random.permutation(len(every))
            for start in range(0, len(order) - options.batch + 1, options.batch):
                yield every[order[start : start + options.batch]]

    @pipeline_def(batch_size=options.batch, num_threads=THREADS, device_id=None)
    def pipe():
        if options.idx:
            image = fn.external_source(source=batches(), layout="HWC")
        else:
            encoded, _ = fn.readers.file(files=paths, random_shuffle=True)
        flip = fn.random.coin_flip()
        mean, std = normal(options)
        scaled = dict(mean=[255 * m for m in mean], std=[255 * s for s in std], output_layout="CHW", dtype=types.FLOAT)
        if options.small:
            if not options.idx:
                image = fn.decoders.image(encoded, device="cpu", output_type=types.RGB)
            image = fn.slice(image, start=[-4, -4], end=[36, 36], axes=[0, 1], out_of_bounds_policy="pad")
            place = dict(crop=(32, 32), crop_pos_x=fn.random.uniform(range=(0, 1)), crop_pos_y=fn.random.uniform(range=(0, 1)))
            return fn.crop_mirror_normalize(image, mirror=flip, **place, **scaled)
        image = fn.decoders.image_random_crop(encoded, device="cpu", output_type=types.RGB, random_area=(0.08, 1.0), random_aspect_ratio=(3 / 4, 4 / 3))
        image = fn.resize(image, size=(224, 224), interp_type=types.INTERP_LINEAR, antialias=True)
        if options.jitter:
            around = lambda spread, centre: fn.random.uniform(range=(centre - spread, centre + spread))
            image = fn.color_twist(image, brightness=around(0.4, 1), contrast=around(0.4, 1), saturation=around(0.4, 1), hue=around(36, 0))
        return fn.crop_mirror_normalize(image, mirror=flip, **scaled)

    built = pipe(prefetch_queue_depth=2)
    built.build()
    while True:
        (images,) = built.run()
        yield len(images)


def tf_data(paths, options):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)

    def read(path):
        if options.small:
            decode = tf.io.decode_png if options.png else tf.io.decode_jpeg
            image = path if options.idx else decode(tf.io.read_file(path), 3)
            image = tf.image.random_crop(tf.pad(image, [[4, 4], [4, 4], [0, 0]]), (32, 32, image.shape[2]))
            image = tf.cast(image, tf.float32)
        else:
            encoded = tf.io.read_file(path)
            begin, size, _ = tf.image.sample_distorted_bounding_box(
                tf.image.extract_jpeg_shape(encoded), tf.zeros((1, 0, 4)), area_range=(0.08, 1.0), aspect_ratio_range=(3 / 4, 4 / 3), use_image_if_no_bounding_boxes=True
            )
            image = tf.image.decode_and_crop_jpeg(encoded, tf.concat([begin[:2], size[:2]], 0), 3)
            image = tf.image.resize(image, (224, 224), antialias=True)
        image = tf.image.random_flip_left_right(image) / 255
        if options.jitter:
            image = tf.image.random_contrast(tf.image.random_brightness(image, 0.4), 0.6, 1.4)
            image = tf.image.random_hue(tf.image.random_saturation(image, 0.6, 1.4), 0.1)
        return tf.transpose((image - normal(options)[0]) / normal(options)[1], (2, 0, 1))

    data = tf.data.Dataset.from_tensor_slices(paths).shuffle(len(paths)).repeat()
    data = data.map(read, num_parallel_calls=THREADS, deterministic=False).batch(options.batch).prefetch(2)
    chosen = tf.data.Options()
    chosen.threading.private_threadpool_size = THREADS
    for images in data.with_options(chosen):
        yield len(images)


def spdl(paths, options):
    import random

    import numpy as np
    import spdl.io
    from spdl.pipeline import PipelineBuilder

    mean, std = (np.array(values, np.float32).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    # Without FFmpeg's libraries it would fail at every picture and try the next one, for ever.
    spdl.io.demux_image(paths[0])

    def endless():
        while True:
            yield from random.sample(paths, len(paths))

    def read(path):
        packets = spdl.io.demux_image(path)
        width, height = packets.width, packets.height
        side = random.uniform(0.08, 1) ** 0.5
        ratio = random.uniform(3 / 4, 4 / 3) ** 0.5
        w, h = min(width, int(width * side * ratio) + 1), min(height, int(height * side / ratio) + 1)
        crop = f"crop={w}:{h}:{random.randint(0, width - w)}:{random.randint(0, height - h)},scale=224:224:flags=bilinear"
        flip = ",hflip" if random.random() < 0.5 else ""
        return spdl.io.decode_packets(packets, filter_desc=f"{crop}{flip},format=pix_fmts=rgb24")

    def batch(frames):
        images = spdl.io.to_numpy(spdl.io.convert_frames(frames)) if hasattr(spdl.io, "to_numpy") else np.asarray(spdl.io.convert_frames(frames))
        return (np.ascontiguousarray(images.transpose(0, 3, 1, 2)).astype(np.float32) / 255 - mean) / std

    built = PipelineBuilder().add_source(endless()).pipe(read, concurrency=THREADS).aggregate(options.batch).pipe(batch).add_sink(3)
    pipeline = built.build(num_threads=THREADS)
    with pipeline.auto_stop():
        for images in pipeline:
            yield len(images)


def child(name, options):
    """Delivers one epoch, then for every line read as many seconds' worth, and says how much that was."""
    batches = {"dali": dali, "torchvision-tensor": torchvision_tensor, "torchvision-pil": torchvision_pil}
    batches |= {"albumentations": albumentations, "tf.data": tf_data, "spdl": spdl}
    paths = samples(options)
    steps, seen = batches[name](paths, options), 0
    while seen < len(paths):
        seen += next(steps)
    print("{}", flush=True)
    for line in sys.stdin:
        start, images = time.perf_counter(), 0
        while time.perf_counter() - start < float(line):
            images += next(steps)
        print(json.dumps({"images": images, "seconds": time.perf_counter() - start}), flush=True)
    os._exit(0)


OURS = """
name = "load"
about = "What others are held against"
seed = 1
[source]
{source}
[split]
validation = 0.0
{augment}
[[augment]]
op = "horizontal_flip"
{jitter}
[[evaluate]]
op = "resize"
size = {size}
[normalize]
mean = {mean}
std = {std}
[batch]
size = {batch}
last = "drop"
[workers]
load = {threads}
augment = {threads}
"""


RAW = """
name = "raw"
about = "The same pictures, small and decoded"
seed = 1
{source}
[[augment]]
op = "resize"
size = [256, 256]
[write]
format = "shards"
encoding = "raw"
path = "{place}/raw"
"""


def raw_shards(source, place):
    """The source over raw shards of the pictures of `source`."""
    file = Path(place) / "raw.toml"
    file.write_text(RAW.format(source=source, place=place))
    subprocess.run([ROOT / "target/release/pipeline", "run", file, "--quiet"], check=True, stdout=sys.stderr)
    return f'format = "prepared"\npath = "{place}/raw"'


def our_file(options, place):
    """The pipeline, over a copy of the files in folders of classes."""
    source = f'format = "idx"\nimages = "{options.folder}/images.idx3"\nlabels = "{options.folder}/labels.idx1"'
    for index, path in enumerate([] if options.idx else files(options.folder)):
        source = f'format = "image_folder"\npath = "{place}/data"'
        to = Path(place) / "data" / ("a" if index % 2 else "b")
        to.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to / f"{index}-{Path(path).name}")
    source = raw_shards(f"[source]\n{source}", place) if options.raw else source
    jitter = '[[augment]]\nop = "color_jitter"\nbrightness = 0.4\ncontrast = 0.4\nsaturation = 0.4\nhue = 0.1\n'
    crop = '[[augment]]\nop = "crop"\nsize = [32, 32]\npadding = 4' if options.small else '[[augment]]\nop = "resized_crop"\nsize = [224, 224]'
    text = OURS.format(
        source=source, augment=crop, jitter=jitter if options.jitter else "", mean=list(normal(options)[0]), std=list(normal(options)[1]),
        size=[32, 32] if options.small else [224, 224], batch=options.batch, threads=THREADS,
    )
    file = Path(place) / "load.toml"
    file.write_text(text)
    return str(file)


# Seconds that a side may take for its first epoch, and longer than it was asked for.
PATIENCE = 90


class Side:
    """A side's process and its helpers; after its first epoch it stands still but for its turns."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True)
        self.is_ready = True
        self.answer(PATIENCE)

    def answer(self, patience):
        """Its next line; a side that has none to give, or not in time, is out, and stops using the machine."""
        ready, _, _ = select.select([self.process.stdout], [], [], patience)
        line = self.process.stdout.readline() if ready else ""
        self.tell(signal.SIGSTOP if line else signal.SIGKILL)
        self.is_ready &= line != ""
        return json.loads(line or "null")

    def tell(self, what):
        try:
            os.killpg(self.process.pid, what)
        except ProcessLookupError:
            self.is_ready = False

    def rate(self, seconds):
        if not self.is_ready:
            return None
        self.tell(signal.SIGCONT)
        print(seconds, file=self.process.stdin, flush=True)
        answer = self.answer(seconds + PATIENCE)
        return answer["images"] / answer["seconds"] if answer else None


def command(name, options, place):
    if name == "augpipe":
        built = glob.glob(str(ROOT / "target/release/deps/load_peers-*"))
        programs = [path for path in built if os.access(path, os.X_OK) and not path.endswith(".d")]
        if not programs:
            sys.exit("build it first: cargo bench --no-run --bench load_peers")
        return [max(programs, key=os.path.getmtime), our_file(options, place)]
    python = dict(pair.split("=", 1) for pair in options.python).get(name, sys.executable)
    words = [word for word in ("jitter", "small", "png", "idx") if getattr(options, word)]
    return [python, __file__, options.folder, "--child", name, "--batch", str(options.batch), *[f"--{word}" for word in words]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--jitter", action="store_true")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--png", action="store_true")
    parser.add_argument("--idx", action="store_true")
    parser.add_argument("--raw", action="store_true")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=SIDES, action="append")
    parser.add_argument("--python", metavar="SIDE=PROGRAM", action="append", default=[])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.small = options.small or options.png or options.idx
    options.batch = options.batch or (128 if options.small else 64)
    options.folder = str(Path(options.folder).resolve())
    if options.child:
        return child(options.child, options)
    names = [name for name in options.only or SIDES if not (name == "spdl" and (options.jitter or options.small))]
    with tempfile.TemporaryDirectory() as place:
        rates = {}
        sides = {name: Side(command(name, options, place)) for name in names}
        for _ in range(options.rounds):
            for name, side in sides.items():
                rate = side.rate(options.seconds)
                if rate:
                    rates.setdefault(name, []).append(rate)
        for side in sides.values():
            side.tell(signal.SIGKILL)
    figures = {name: statistics.median(found) for name, found in rates.items()}
    best = max((rate for name, rate in figures.items() if name != "augpipe"), default=float("nan"))
    print(f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {THREADS} threads, batches of {options.batch}, {len(samples(options))} pictures\n")
    print("| loader | images/s | augpipe has so many times as much |\n|---|---:|---:|")
    for name in names:
        if name not in figures:
            print(f"| {name} | did not run | |")
        else:
            print(f"| {name} | {figures[name]:,.0f} | " + (f"{figures.get('augpipe', float('nan')) / figures[name]:.2f} |" if name != "augpipe" else " |"))
    print(f"\nBeside the best of them: {figures.get('augpipe', float('nan')) / best:.2f}")


if __name__ == "__main__":
    main()
