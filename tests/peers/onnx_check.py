"""Exported networks in ONNX Runtime: every layer and preset of the registries, against the logits that augpipe computes.

    python -m venv venv && venv/bin/pip install -r tests/peers/requirements.txt
    AUGPIPE_ONNX_CASES=/tmp/cases cargo test --test onnx
    venv/bin/python tests/peers/onnx_check.py /tmp/cases

Each network is held against ONNX's own checker (types and shapes inferred in full), then run. Fails where the greatest difference
is more than 1e-5 of the greatest logit.
"""

import pathlib
import sys

import numpy
import onnx
import onnxruntime
from safetensors import safe_open

BOUND = 1e-5


def difference(case):
    """The model in words, and the greatest difference of its logits relative to the greatest logit."""
    file = str(case.with_suffix(".onnx"))
    onnx.checker.check_model(file, full_check=True)
    with safe_open(str(case), "numpy") as tensors:
        images, ours = tensors.get_tensor("images"), tensors.get_tensor("logits")
        words = tensors.metadata()["model"]
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["image"]
    assert session.get_inputs()[0].shape[0] == "batch", session.get_inputs()[0].shape
    (theirs,) = session.run(["logits"], {"image": images})
    assert theirs.shape == ours.shape, (theirs.shape, ours.shape)
    return words, float(numpy.abs(theirs - ours).max() / numpy.abs(ours).max())


def main():
    cases = sorted(pathlib.Path(sys.argv[1]).glob("*.safetensors"))
    assert cases, "no cases: see the first lines of this file"
    worst = 0.0
    for case in cases:
        words, found = difference(case)
        worst = max(worst, found)
        print(f"{found:.1e}  {'' if found <= BOUND else 'TOO FAR  '}{' '.join(words.split())}")
    print(f"{len(cases)} cases, at most {worst:.1e} of the greatest logit; onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}")
    sys.exit(worst > BOUND)


main()
