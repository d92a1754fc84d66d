"""Reads the event file of a run with TensorBoard's own readers and holds it against the run's report.

    pip install tensorboard==2.20.0 numpy pillow
    python tests/peers/tensorboard_check.py RUN

RUN is the folder of a finished run with `[report] tensorboard = true`. Every score of report.json must stand in the file, at its
epoch, once, to the precision of 32 bits; every picture must decode to its size and be the file beside the report; every histogram
must count as many values as its tensor has. EventFileLoader reads record by record and checks sums, EventAccumulator reads as the
pages of TensorBoard do. Prints what was found; exits 1 where something is wrong.
"""

import io
import json
import os
import sys

import numpy
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator, event_file_loader


def main(run):
    folder = os.path.join(run, "tensorboard")
    (name,) = os.listdir(folder)
    path = os.path.join(folder, name)
    records = list(event_file_loader.EventFileLoader(path).Load())
    assert records[0].file_version == "brain.Event:2", records[0]
    assert sum(1 for record in records if record.HasField("file_version")) == 1, "more than one beginning"
    steps = [record.step for record in records]
    assert steps == sorted(steps), f"steps are out of order: {steps}"

    sizes = {event_accumulator.SCALARS: 0, event_accumulator.IMAGES: 0, event_accumulator.HISTOGRAMS: 0, event_accumulator.TENSORS: 0}
    pages = event_accumulator.EventAccumulator(folder, size_guidance=sizes)
    pages.Reload()
    with open(os.path.join(run, "report.json"), encoding="utf-8") as file:
        outcome = json.load(file)["outcome"]

    # Readers turn scalars, pictures and histograms of the file into tensors.
    tensors = {tag: pages.Tensors(tag) for tag in pages.Tags()["tensors"]}
    kinds = {tag: pages.SummaryMetadata(tag).plugin_data.plugin_name for tag in tensors}

    def scalars(tag):
        assert kinds.get(tag) == "scalars", f"{tag}: {kinds.get(tag)}"
        return [(event.step, float(event.tensor_proto.float_val[0])) for event in tensors[tag]]

    def same(tag, expected):
        expected = [(step, float(numpy.float32(value))) for step, value in expected]
        assert scalars(tag) == expected, f"{tag}: {scalars(tag)} is not {expected}"

    epochs = outcome["epochs"]
    for key in ("loss", "accuracy"):
        same(f"{key}/train", [(epoch["epoch"], epoch["train"][key]) for epoch in epochs])
        if epochs[0]["validation"]:
            same(f"{key}/validation", [(epoch["epoch"], epoch["validation"][key]) for epoch in epochs])
        if outcome["test"]:
            same(f"{key}/test", [(len(epochs), outcome["test"][key])])
    same("learning_rate", [(epoch["epoch"], epoch["learning_rate"]) for epoch in epochs])
    assert all(value > 0 for _, value in scalars("images_per_second"))

    pictures = [tag for tag, kind in kinds.items() if kind == "images"]
    for tag in pictures:
        (event,) = tensors[tag]
        width, height, png = event.tensor_proto.string_val
        image = Image.open(io.BytesIO(png))
        assert image.size == (int(width), int(height)), tag
        with open(os.path.join(run, tag.split("/")[1] + ".png"), "rb") as file:
            assert file.read() == png, f"{tag} is not the picture beside the report"

    histograms = [tag for tag, kind in kinds.items() if kind == "histograms"]
    values = 0
    for tag in histograms:
        counts = set()
        for event in tensors[tag]:
            buckets = numpy.frombuffer(event.tensor_proto.tensor_content, dtype=numpy.float64).reshape(-1, 3)
            buckets = buckets if len(buckets) else numpy.array(event.tensor_proto.double_val).reshape(-1, 3)
            assert (buckets[:, 0] <= buckets[:, 1]).all() and (buckets[1:, 0] == buckets[:-1, 1]).all(), tag
            counts.add(buckets[:, 2].sum())
        assert len(counts) == 1, f"{tag} has {counts} values"
        assert [event.step for event in tensors[tag]] == sorted({event.step for event in tensors[tag]}), tag
        values += int(counts.pop())
    assert values == outcome["parameters"], f"{values} values in histograms, {outcome['parameters']} parameters"

    scores = sum(1 for kind in kinds.values() if kind == "scalars")
    print(f"{path}: {len(records)} records, {len(epochs)} epochs, {scores} scalars, {len(pictures)} pictures, "
          f"{len(histograms)} histograms of {values} values: as the report has it")


if __name__ == "__main__":
    main(sys.argv[1])
