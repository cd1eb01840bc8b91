"""The recorded answers of the real libraries, language by language, through the machinery of `agg eval --jsonl`.

Of each file at least 99 of 100 values and 99 of 100 errors must be right, and each that is not stands in KNOWN with a reason.
"""

import json
import math
import os
from pathlib import Path

import pytest

from aggregator.cli.eval_languages import answer

CORPUS = Path(os.environ.get("AGG_CORPUS") or Path(__file__).parents[3] / "shared" / "argo")
FILES = ("expr_lang", "sprig", "govaluate", "template", "extra")
LANGUAGE = {"expr_lang": "expr", "sprig": "argo", "govaluate": "govaluate", "template": "tag"}
ANSWERS = {
    "id", "want", "error", "message", "src", "tags", "go_type", "phase", "unchecked_want", "unoptimized", "any_order",
    "missing_variable",
}  # fmt: skip

# Vector id -> why ours differs.
KNOWN: dict[str, str] = {}


def same(want, got, any_order=False):
    """Equal as Go values are: integers and floats differ, NaN equals NaN."""
    if isinstance(want, bool) or isinstance(got, bool):
        return want is got
    if isinstance(want, float) and isinstance(got, float):
        return want == got or (math.isnan(want) and math.isnan(got)) or math.isclose(want, got, rel_tol=1e-12)
    if type(want) is not type(got):
        return False
    if isinstance(want, dict):
        return want.keys() == got.keys() and all(same(want[key], got[key]) for key in want)
    if isinstance(want, list):
        if any_order and len(want) == len(got):
            rest = list(got)
            return all(any(same(w, g) and rest.pop(i) is g for i, g in enumerate(rest)) for w in want)
        return len(want) == len(got) and all(map(same, want, got))
    return want == got


def right(vector, got):
    if vector.get("error"):
        return not got["ok"] or ("unchecked_want" in vector and same(vector["unchecked_want"], got["value"]))
    wanted = [vector[key] for key in ("want", "unoptimized") if key in vector]
    return got["ok"] and any(same(want, got["value"], vector.get("any_order")) for want in wanted)


@pytest.mark.parametrize("name", FILES)
def test_vectors(name, monkeypatch):
    path = CORPUS / "expr" / f"{name}.json"
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"the corpus is missing: {path}")
        pytest.skip("the recorded answers are not beside this repository; AGG_CORPUS names their folder")
    monkeypatch.setenv("TZ", "UTC")
    document = json.loads(path.read_text(encoding="utf-8"))
    total, wrong = {True: 0, False: 0}, {True: [], False: []}
    for vector in document["vectors"]:
        request = {key: value for key, value in vector.items() if key not in ANSWERS}
        request["lang"] = LANGUAGE.get(name) or vector["mode"]
        if name == "extra" and isinstance(request.get("data"), str):
            request["data"] = document["about"]["data"][request["data"]]
        got = json.loads(answer(json.dumps(request)))
        assert got.get("kind") != "bug", (vector, got)
        is_error = bool(vector.get("error"))
        total[is_error] += 1
        if not right(vector, got):
            wrong[is_error].append((vector["id"], vector.get("expr", vector.get("text")), got))
    for is_error in (False, True):
        unknown = [entry for entry in wrong[is_error] if entry[0] not in KNOWN]
        assert not unknown
        assert len(wrong[is_error]) * 100 <= total[is_error], f"more than 1 % of {name} is wrong"
        assert total[is_error] > 20
