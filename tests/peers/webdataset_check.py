"""Reads a set that `pipeline run` with `[write] format = "shards"` has written, as Python programs do.

    python tests/peers/webdataset_check.py SET

With the package `webdataset` installed (`pip install webdataset numpy pillow`), every series is read through it; otherwise through
the standard library's `tarfile` alone. Either way every record must have a picture, a class and a description that agree with each
other, every series the same samples, and every archive members of mode 0644 and time 0. Prints what was found; exits 1 where
something is wrong.
"""

import collections
import glob
import io
import json
import os
import sys
import tarfile

PICTURES = ("png", "jpg", "npy")


def by_tarfile(paths):
    """Samples as dictionaries, grouped by the name up to its first dot."""
    for path in paths:
        with tarfile.open(path) as archive:
            assert "comment" in archive.pax_headers, f"{path} does not say who it is"
            sample = None
            for member in archive:
                assert member.isfile() and member.mode == 0o644 and member.mtime == 0, f"{path}: {member.name}"
                key, extension = member.name.split(".", 1)
                if sample is None or sample["__key__"] != key:
                    if sample is not None:
                        yield sample
                    sample = {"__key__": key}
                sample[extension] = archive.extractfile(member).read()
            if sample is not None:
                yield sample


def by_webdataset(paths):
    import webdataset

    yield from webdataset.WebDataset(paths, shardshuffle=False)


def size_of(extension, data):
    """Height, width and channels of a picture; None where nothing can be asked."""
    try:
        if extension == "npy":
            import numpy

            array = numpy.load(io.BytesIO(data))
            assert array.dtype == numpy.uint8, array.dtype
            return array.shape
        from PIL import Image

        image = Image.open(io.BytesIO(data))
        image.load()
        return image.height, image.width, len(image.getbands())
    except ImportError:
        return None


def check(reader, paths, classes):
    """The samples of a series, by their source, and the sizes of their pictures."""
    found, sizes = {}, collections.Counter()
    for sample in reader(paths):
        meta, label = json.loads(sample["json"]), int(sample["cls"])
        extensions = [extension for extension in PICTURES if extension in sample]
        assert len(extensions) == 1, sample.keys()
        assert meta["label"] == label and classes[label] == meta["class"], meta
        assert isinstance(meta["draws"], list), meta
        assert meta["source"] not in found, f"{meta['source']} comes twice"
        found[meta["source"]] = label
        sizes[size_of(extensions[0], sample[extensions[0]])] += 1
    return found, sizes


def main(folder):
    with open(os.path.join(folder, "prepared.json")) as file:
        description = json.load(file)
    readers = [by_tarfile]
    try:
        import webdataset  # noqa: F401

        readers.append(by_webdataset)
    except ImportError:
        print("the package webdataset is not installed: read by tarfile alone")
    every = None
    for reader in readers:
        for series in [f"v{variant}" for variant in range(description["variants"])] + ["evaluate"]:
            paths = sorted(glob.glob(os.path.join(folder, f"{series}-*.tar")))
            found, sizes = check(reader, paths, description["classes"])
            assert every is None or every == found, f"{series} has other samples"
            every = found
            print(f"{reader.__name__:14} {series:9} {len(paths)} archives, {len(found)} samples, pictures {dict(sizes)}")
    print("ok")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(sys.argv[1])
    except AssertionError as error:
        sys.exit(f"wrong: {error}")
