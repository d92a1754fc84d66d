"""The networks of `benches/train.rs` in PyTorch, on the CPU: samples a second of whole training steps.

    python3 -m venv venv && venv/bin/pip install torch==2.15.0 numpy==2.3.4
    venv/bin/python benches/peers/train.py --threads 2

Prints one JSON line a network: the best of eager in the usual layout and in channels_last (which convolutions prefer), each
as the median over repeated steps. A step is forward, backward and plain SGD at batch 128, as in the Rust bench.
`--cpu-time` counts the process's processor time instead of the wall clock: for machines that do other things meanwhile.
"""

import argparse
import json
import statistics
import time

import torch
from torch import nn

BATCH = 128


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 10),
    )


def mlp():
    layers = [nn.Flatten(), nn.Dropout(0.2)]
    for inputs in (784, 1024, 1024):
        layers += [nn.Linear(inputs, 1024), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.Linear(1024, 10))


def samples_a_second(build, channels_last, steps, clock):
    torch.manual_seed(1)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = build().to(memory_format=layout).train()
    images = torch.rand(BATCH, 1, 28, 28).sub(0.5).to(memory_format=layout)
    labels = torch.arange(BATCH) % 10
    loss = nn.CrossEntropyLoss()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01)

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss(model(images), labels).backward()
        optimiser.step()

    for _ in range(5):
        step()
    times = []
    for _ in range(steps):
        start = clock()
        step()
        times.append(clock() - start)
    return BATCH / statistics.median(times), BATCH / min(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--cpu-time", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clock = time.process_time if options.cpu_time else time.perf_counter
    for name, build in (("lenet", lenet), ("mlp", mlp)):
        layouts = {"contiguous": False, "channels_last": True} if name == "lenet" else {"contiguous": False}
        found = {layout: samples_a_second(build, last, options.steps, clock) for layout, last in layouts.items()}
        best = max(found, key=lambda layout: found[layout][0])
        report = {
            "bench": name, "framework": f"torch {torch.__version__}", "threads": options.threads, "layout": best,
            "samples_per_s_median": round(found[best][0], 1), "samples_per_s_best": round(found[best][1], 1),
        }
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
