"""Reads a metrics file with the parsers of Prometheus' own client library.

    pip install prometheus_client==0.26.0
    python tests/peers/openmetrics_check.py FILE.prom

The file must be good OpenMetrics text, and good text of the older format that node exporter's textfile collector reads: both parsers
must find the same values. Prints the families; exits 1 where something is wrong.
"""

import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as strict


def values(families):
    found = {}
    for family in families:
        for sample in family.samples:
            assert sample.timestamp is None, f"{sample.name} has a time, which the textfile collector refuses"
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} comes twice"
            found[key] = sample.value
    return found


def main(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    families = list(strict.text_string_to_metric_families(text))
    new, old = values(families), values(parser.text_string_to_metric_families(text))
    assert new == old, f"the two formats differ: {set(new.items()) ^ set(old.items())}"
    for family in families:
        assert family.type in ("gauge", "counter"), family.type
        assert family.documentation, f"{family.name} has no help"
        unit = f" in {family.unit}" if family.unit else ""
        print(f"{family.type:8} {family.name}{unit}: {len(family.samples)} values")
    print(f"{path}: {len(families)} families, {len(new)} values")


if __name__ == "__main__":
    main(sys.argv[1])
