"""The manual of `agg test`: its example passes as it stands, and its tables name every field that is read."""

import re
from pathlib import Path

from aggregator.source import Source
from aggregator.testing import load, mock_fields
from aggregator.testing.expectations import NODE, TOP
from aggregator.testing.load import load_text
from aggregator.testing.session import judge

MANUAL = Path(__file__).parents[3] / "docs" / "testing.md"


def test_the_example_passes_as_it_stands(tmp_path):
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", MANUAL.read_text(), re.MULTILINE | re.DOTALL)
    (case,) = load_text(Source("example", example), tmp_path)
    assert judge(case).problems == []


def test_every_field_of_test_files_is_in_the_manual():
    told = set(re.findall(r"`([A-Za-z]+)[^`]*`", MANUAL.read_text()))
    for names in (load.SHARED, load.DEEDS, mock_fields.OUTCOME, TOP, NODE):
        assert set(names) - told == set()
