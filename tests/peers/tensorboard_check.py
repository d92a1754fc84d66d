"""Reads the event file of a run with TensorBoard's own readers and holds it against the run's report.

    pip install tensorboard==2.20.0 numpy pillow
    python tests/peers/tensorboard_check.py RUN

RUN is the folder of a finished run with `[report] tensorboard = true`. Every score of report.json must stand in the file, at its
epoch, once, to the precision of 32 bits; every picture must decode to its size and be the file beside the report; every histogram
must count as many values as its tensor has. EventFileLoader reads record by record and checks sums; of the two accumulators one reads
values as they were written, the other as the pages of TensorBoard do. Prints what was found; exits 1 where something is wrong.
"""

import io
import json
import os
import sys

import numpy
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator, event_file_loader, plugin_event_accumulator


def main(run):
    folder = os.path.join(run, "tensorboard")
    (name,) = os.listdir(folder)
    path = os.path.join(folder, name)
    records = list(event_file_loader.EventFileLoader(path).Load())
    assert records[0].file_version == "brain.Event:2", records[0]
    assert sum(1 for record in records if record.HasField("file_version")) == 1, "more than one beginning"
    steps = [record.step for record in records]
    assert steps == sorted(steps), f"steps are out of order: {steps}"

    everything = {event_accumulator.SCALARS: 0, event_accumulator.IMAGES: 0, event_accumulator.HISTOGRAMS: 0}
    values = event_accumulator.EventAccumulator(folder, size_guidance=everything)
    values.Reload()
    pages = plugin_event_accumulator.EventAccumulator(folder)
    pages.Reload()
    kinds = {tag: pages.SummaryMetadata(tag).plugin_data.plugin_name for tag in pages.Tags()["tensors"]}
    of_kind = {kind: [tag for tag in kinds if kinds[tag] == kind] for kind in ("scalars", "images", "histograms")}
    assert sorted(of_kind["scalars"]) == sorted(values.Tags()["scalars"]) and sum(map(len, of_kind.values())) == len(kinds), kinds
    with open(os.path.join(run, "report.json"), encoding="utf-8") as file:
        outcome = json.load(file)["outcome"]

    def scalars(tag):
        return [(event.step, event.value) for event in values.Scalars(tag)]

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

    for tag in of_kind["images"]:
        (event,) = values.Images(tag)
        image = Image.open(io.BytesIO(event.encoded_image_string))
        assert image.size == (event.width, event.height), tag
        with open(os.path.join(run, tag.split("/")[1] + ".png"), "rb") as file:
            assert file.read() == event.encoded_image_string, f"{tag} is not the picture beside the report"

    counted = 0
    for tag in of_kind["histograms"]:
        events = values.Histograms(tag)
        assert [event.step for event in events] == [epoch["epoch"] for epoch in epochs], tag
        for event in events:
            found = event.histogram_value
            limits = list(found.bucket_limit)
            assert limits == sorted(limits) and limits[-1] == found.max >= found.min, tag
            assert sum(found.bucket) == found.num == events[0].histogram_value.num, tag
        counted += int(events[0].histogram_value.num)
    assert counted == outcome["parameters"], f"{counted} values in histograms, {outcome['parameters']} parameters"

    found = ", ".join(f"{len(tags)} {kind}" for kind, tags in of_kind.items())
    print(f"{path}: {len(records)} records, {len(epochs)} epochs, {found} of {counted} values: as the report has it")


if __name__ == "__main__":
    main(sys.argv[1])
