"""Each operation beside Pillow, torchvision v2 and Albumentations + OpenCV: one thread, uint8 RGB pictures of 500x375.

    python3 -m venv venv && venv/bin/pip install -r benches/peers/requirements.txt
    cargo bench --no-run --bench augment_peers
    venv/bin/python benches/peers/augment.py --json augment.json ../shared/data/photos > augment.md

The folder may be left out: pictures of `data/pictures`, or else made by a formula, take the photos' place. Sides take turns
within every round, each with one pass over all pictures; ours is a child process that waits while others work. A picture's
figure is its fastest pass, a side's figure the mean over the pictures. Making the result is part of the time, dropping it is
not. Of a peer's ways the fastest counts; torchvision's pictures are tried in both memory layouts.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import argparse
import datetime
import glob
import json
import platform
import random
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import albumentations
import cv2
import numpy as np
import PIL
import torch
import torchvision
from PIL import Image, ImageOps

from augment_cases import HEIGHT, WIDTH, cases

ROOT = Path(__file__).resolve().parents[2]
SLOW = 20e6  # ns a picture; sides slower than this see fewer pictures
PEERS = ("pillow", "torchvision", "albumentations")


def pictures(folder, count):
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png")) if folder else []
    found = [ImageOps.fit(Image.open(path).convert("RGB"), (WIDTH, HEIGHT)) for path in paths[:count]]
    if not found:
        print(f"no pictures in {folder}: made by a formula", file=sys.stderr)
        y, x, c = np.ogrid[:HEIGHT, :WIDTH, :3]
        made = [(x * (c + 2) // 5 + y * (3 - c) // 4) % 200 + (x * x + y * y + 31 * c + n) % 40 for n in range(count)]
        found = [Image.fromarray(picture.astype(np.uint8)) for picture in made]
    return found


class Ours:
    """The child process; `ns` gives one pass, or none where it does not know the operation."""

    def __init__(self, program, images):
        self.file = tempfile.NamedTemporaryFile(suffix=".rgb")
        self.file.write(b"".join(image.tobytes() for image in images))
        self.file.flush()
        command = [program, self.file.name, str(HEIGHT), str(WIDTH)]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ns(self, ops, count):
        self.child.stdin.write(json.dumps({"ops": ops, "count": count}) + "\n")
        self.child.stdin.flush()
        answer = json.loads(self.child.stdout.readline())
        if "error" in answer:
            print(f"skipped: {answer['error']}", file=sys.stderr)
        return answer.get("ns")


class Way:
    """One way of one side: `run(count)` is a pass over the first pictures, in ns for each."""

    def __init__(self, side, run, count):
        self.side, self.run, self.best, self.spent = side, run, None, 0.0
        probe = run(1)
        self.failed = probe is None
        self.count = 0 if self.failed else count if probe[0] < SLOW else min(count, 3)

    def turn(self, budget):
        if self.failed or self.spent > budget * 1e9 and self.best:
            return
        times = self.run(self.count)
        self.spent += sum(times)
        self.best = times if self.best is None else [min(pair) for pair in zip(self.best, times)]

    def figure(self):
        return None if self.failed or not self.best else sum(self.best) / len(self.best)


def seeded(number):
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)
    cv2.setRNGSeed(number)


def peer_pass(function, images):
    def run(count):
        times = []
        for number, image in enumerate(images[:count]):
            seeded(number)
            begin = time.perf_counter_ns()
            made = function(image)
            times.append(time.perf_counter_ns() - begin)
            del made
        return times

    return run


def ways(case, ours, inputs, count):
    yield Way("ours", lambda n: ours.ns(case.ours, n), count)
    for peer in PEERS:
        for function in getattr(case, peer):
            for images in inputs[peer]:
                try:
                    yield Way(peer, peer_pass(function, images), count)
                except Exception as error:
                    print(f"{case.name}, {peer}: {error}", file=sys.stderr)


def measure(case, ours, inputs, options):
    sides = list(ways(case, ours, inputs, options.pictures))
    for _ in range(options.rounds):
        for way in sides:
            way.turn(options.budget)
    found = {}
    for way in sides:
        if way.figure() is not None:
            found[way.side] = min(found.get(way.side, float("inf")), way.figure() / 1e3)
    peers = {side: figure for side, figure in found.items() if side != "ours"}
    best = min(peers, key=peers.get) if peers else None
    ratio = peers[best] / found["ours"] if best and "ours" in found else None
    return {"op": case.name, "us": found, "best_peer": best, "times_best_peer": ratio, "bar": case.bar, "note": case.note}


def row(result):
    def cell(side):
        figure = result["us"].get(side)
        text = "–" if figure is None else f"{figure:,.0f}" if figure >= 99.5 else f"{figure:.1f}"
        return f"**{text}**" if side == result["best_peer"] else text

    ratio = result["times_best_peer"]
    words = "–" if ratio is None else f"{ratio:.1f}" + ("" if ratio >= result["bar"] else f" (bar {result['bar']:.0f})")
    return f"| {result['op']} | {cell('ours')} | {' | '.join(cell(peer) for peer in PEERS)} | {words} | {result['note']} |"


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def built():
    found = [path for path in glob.glob(str(ROOT / "target/release/deps/augment_peers-*")) if os.access(path, os.X_OK) and not path.endswith(".d")]
    if not found:
        sys.exit("build our side first: cargo bench --no-run --bench augment_peers")
    return max(found, key=os.path.getmtime)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=str(ROOT / "data/pictures"))
    parser.add_argument("--program", help="the built bench; by default the newest in target/release/deps")
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--budget", type=float, default=2.0, help="seconds for one way of doing one operation")
    parser.add_argument("--only", default="", help="operations whose names contain this")
    parser.add_argument("--json", help="file for all figures")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    images = pictures(options.folder, options.pictures)
    options.pictures = len(images)
    arrays = [np.array(image) for image in images]
    tensors = [torch.from_numpy(array).permute(2, 0, 1).contiguous() for array in arrays]
    interleaved = [torch.from_numpy(array.copy()).permute(2, 0, 1) for array in arrays]
    inputs = {"pillow": [images], "torchvision": [tensors, interleaved], "albumentations": [arrays]}
    ours = Ours(options.program or built(), images)
    versions = (
        f"Pillow {PIL.__version__}, torch {torch.__version__}, torchvision {torchvision.__version__}, "
        f"Albumentations {albumentations.__version__}, OpenCV {cv2.__version__}, NumPy {np.__version__}"
    )
    head = {"date": str(datetime.date.today()), "processor": processor(), "python": platform.python_version(), "versions": versions,
            "pictures": len(images), "folder": options.folder, "rounds": options.rounds}
    print(f"{head['date']}, {head['processor']}, one thread, Python {head['python']}, {versions}; {len(images)} pictures.\n")
    print("| operation | augpipe, µs | Pillow, µs | torchvision, µs | Albumentations + OpenCV, µs | times the best peer | note |")
    print("|---|---:|---:|---:|---:|---:|---|", flush=True)
    results = []
    with torch.inference_mode():
        for case in cases():
            if options.only in case.name:
                results.append(measure(case, ours, inputs, options))
                print(row(results[-1]), flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps({**head, "results": results}, indent=1))


if __name__ == "__main__":
    main()
