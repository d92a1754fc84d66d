"""Whole training steps beside PyTorch on the CPU, both programs in turns in one run: samples a second.

    cargo bench --no-run --bench train_peers
    python3 -m venv venv && venv/bin/pip install torch==2.15.0 numpy==2.3.4
    venv/bin/python benches/peers/train.py --threads 2 > train.md

A step is forward, backward and SGD with momentum 0.9 and weight decay 5e-4, at batch 128. PyTorch runs eager in the usual layout and,
where there are convolutions, in channels_last; `--compile` adds torch.compile, `--bf16` adds autocast to bfloat16, and
`precision = "bf16"` on our side. Ours runs with `convolution = "direct"` and `"winograd"`. A figure is the median over steps and over the rounds; the ratio is that of the best
of each side. `--only NAME` takes one network, `--batch` another batch size, `--json FILE` writes all that was measured.
"""

import argparse
import glob
import json
import os
import platform
import statistics
import subprocess
import sys
import time

# torch.compile in this process: the pool of processes that it would start works beside whoever is measured next.
os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"

import torch  # noqa: E402
from torch import nn  # noqa: E402

COLOUR, DIGIT = (3, 32, 32), (1, 28, 28)


class Residual(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.branch = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.branch(x)


class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def conv3(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


def conv_norm_relu(inputs, outputs):
    return [conv3(inputs, outputs), nn.BatchNorm2d(outputs), nn.ReLU()]


def softmax():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def mlp():
    layers = [nn.Flatten(), nn.Dropout(0.2)]
    for inputs in (784, 1024, 1024):
        layers += [nn.Linear(inputs, 1024), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.Linear(1024, 10))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 10),
    )


def vgg_small():
    layers, inputs = [], 3
    for width in (32, 64, 128):
        layers += conv_norm_relu(inputs, width) + conv_norm_relu(width, width) + [nn.MaxPool2d(2)]
        inputs = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2048, 10))


def resnet9():
    def twice(width):
        return Residual(*conv_norm_relu(width, width), *conv_norm_relu(width, width))

    return nn.Sequential(
        *conv_norm_relu(3, 64), *conv_norm_relu(64, 128), nn.MaxPool2d(2), twice(128),
        *conv_norm_relu(128, 256), nn.MaxPool2d(2), *conv_norm_relu(256, 512), nn.MaxPool2d(2), twice(512),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(512, 10, bias=False), Scale(0.125),
    )


def airbench():
    whiten = nn.Conv2d(3, 24, 2)
    whiten.weight.requires_grad_(False)
    layers, inputs = [whiten, nn.GELU()], 24
    for width in (64, 256, 256):
        for step in ([conv3(inputs, width), nn.MaxPool2d(2)], [conv3(width, width)]):
            norm = nn.BatchNorm2d(width, eps=1e-12)
            norm.weight.requires_grad_(False)
            layers += [*step, norm, nn.GELU()]
        inputs = width
    return nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten(), nn.Linear(256, 10, bias=False), Scale(1 / 9))


# Name: builder, input, the model in our words, steps of a round.
NETWORKS = {
    "softmax": (softmax, DIGIT, 'preset = "softmax"', 300),
    "mlp": (mlp, DIGIT, 'preset = "mlp"\nhidden = [1024, 1024, 1024]\nkeep_input = 0.8\nkeep_hidden = 0.5', 30),
    "lenet": (lenet, DIGIT, 'preset = "lenet"', 20),
    "vgg_small": (vgg_small, COLOUR, 'preset = "vgg_small"', 8),
    "resnet9": (resnet9, COLOUR, 'preset = "resnet9"', 3),
    "airbench": (airbench, COLOUR, 'preset = "airbench"', 4),
}


class Theirs:
    """PyTorch in one of its ways."""

    def __init__(self, name, batch, layout, compiled=False, bf16=False):
        torch.manual_seed(1)
        build, shape, _, _ = NETWORKS[name]
        self.bf16 = bf16
        self.model = build().to(memory_format=layout).train()
        self.run = torch.compile(self.model) if compiled else self.model
        self.images = torch.rand(batch, *shape).sub(0.5).to(memory_format=layout)
        self.labels = torch.arange(batch) % 10
        self.loss = nn.CrossEntropyLoss()
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.SGD(trained, lr=0.001, momentum=0.9, weight_decay=5e-4)

    def step(self):
        self.optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            logits = self.run(self.images)
        self.loss(logits.float(), self.labels).backward()
        self.optimiser.step()

    def times(self, steps):
        for _ in range(3):
            self.step()
        found = []
        for _ in range(steps):
            start = time.perf_counter_ns()
            self.step()
            found.append(time.perf_counter_ns() - start)
        return found


class Ours:
    """The Rust bench, as one process that answers questions."""

    def __init__(self):
        built = glob.glob(os.path.join("target", "release", "deps", "train_peers-*"))
        programs = [path for path in built if os.access(path, os.X_OK) and not path.endswith(".d")]
        if not programs:
            sys.exit("build it first: cargo bench --no-run --bench train_peers")
        newest = max(programs, key=os.path.getmtime)
        self.process = subprocess.Popen([newest], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def times(self, name, options, way, steps):
        _, shape, model, _ = NETWORKS[name]
        precision, _, convolution = way.rpartition(" ")
        model += f'\nconvolution = "{convolution}"' + (f'\nprecision = "{precision}"' if precision else "")
        question = {"model": model, "input": shape, "threads": options.threads, "batch": options.batch, "steps": steps}
        print(json.dumps(question), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            sys.exit(f"{name}: {answer['error']}")
        return answer["ns"]


def theirs(name, options):
    layouts = {"eager": torch.contiguous_format}
    if len([None for module in NETWORKS[name][0]().modules() if isinstance(module, nn.Conv2d)]) > 0:
        layouts["channels_last"] = torch.channels_last
    ways = {word: dict(layout=layout) for word, layout in layouts.items()}
    if options.compile:
        ways |= {f"compile {word}": dict(layout=layout, compiled=True) for word, layout in layouts.items()}
    if options.bf16:
        ways |= {f"bf16 {word}": way | dict(bf16=True) for word, way in ways.items()}
    return {word: Theirs(name, options.batch, **way) for word, way in ways.items()}


def measure(name, options, ours):
    """Samples a second of every side and way: the median over rounds of the median over a round's steps."""
    steps, sides = NETWORKS[name][3], theirs(name, options)
    ways = ["direct"] if name in ("softmax", "mlp") else ["direct", "winograd"]
    ways += [f"bf16 {word}" for word in ways] if options.bf16 else []
    found = {word: [] for word in [*sides, *ways]}
    for _ in range(options.rounds):
        for word, side in sides.items():
            found[word].append(statistics.median(side.times(steps)))
        for word in ways:
            found[word].append(statistics.median(ours.times(name, options, word, steps)))
    rates = {word: options.batch * 1e9 / statistics.median(times) for word, times in found.items()}
    return {word: rates[word] for word in ways}, {word: rates[word] for word in sides}


def compared(mine, others):
    """Three cells: both sides' figures, and the ratio of the best."""
    listed = [" · ".join(f"{word} {rate:,.0f}" for word, rate in side.items()) for side in (mine, others)]
    return f" {listed[0]} | {listed[1]} | {max(mine.values()) / max(others.values()):.2f} |"


def of_precision(rates, precision):
    """The ways that compute in it, by their other words."""
    half = {word.removeprefix("bf16 "): rate for word, rate in rates.items() if word.startswith("bf16")}
    return half if precision == "bf16" else {word: rate for word, rate in rates.items() if not word.startswith("bf16")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=NETWORKS, action="append")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    ours, results = Ours(), {}
    print(f"{time.strftime('%Y-%m-%d')}, torch {torch.__version__}, Python {platform.python_version()}, {options.threads} threads, batch {options.batch}\n")
    precisions = ["fp32", "bf16"] if options.bf16 else ["fp32"]
    print("| network |" + "".join(f" augpipe {word}, samples/s | PyTorch {word}, samples/s | ratio |" for word in precisions))
    print("|---|" + "---|---|---:|" * len(precisions), flush=True)
    for name in options.only or NETWORKS:
        mine, others = measure(name, options, ours)
        results[name] = {"augpipe": mine, "torch": others}
        cells = [compared(of_precision(mine, word), of_precision(others, word)) for word in precisions]
        print(f"| {name} |" + "".join(cells), flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
