"""docs/lint.md is made from the table of codes, and the table has every code that is ever reported."""

import ast
from pathlib import Path

from aggregator.spec.checks.codes import ERRORS, OPINIONS, main, render_page

ROOT = Path(__file__).parents[3]
METHODS = {"error", "warn", "add", "report", "Diagnostic", "wrong", "problem", "fail", "_error", "_report"}


def codes_in(path):
    """First arguments of the calls that report, and codes that are given on."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0] if node.args else None
            if (
                name in METHODS
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
                and " " not in first.value
            ):
                yield first.value, name


def test_the_page_is_made_from_the_table():
    assert (ROOT / "docs" / "lint.md").read_text() == render_page()


def test_the_module_prints_the_page(capsys):
    main()
    assert capsys.readouterr().out == render_page()


def test_every_code_has_its_words():
    files = [*(ROOT / "aggregator/spec/checks").glob("*.py"), ROOT / "aggregator/cli/lint.py"]
    used = {(code, name) for path in files for code, name in codes_in(path) if not (name == "add" and "." in code)}
    codes = {code for code, name in used if name in ("error", "warn", "Diagnostic") or "-" in code}
    assert codes
    assert codes - OPINIONS.keys() - ERRORS.keys() == set()


def test_codes_that_are_told_of_are_used():
    text = "".join(path.read_text() for path in (ROOT / "aggregator").rglob("*.py") if path.name != "codes.py")
    fields = {"ignored-field", "later-field", "refused-field"}  # made of the ledger's verdicts
    unused = {code for code in (*OPINIONS, *ERRORS) if f'"{code}"' not in text} - fields
    assert unused == set()


def test_no_code_is_both():
    assert OPINIONS.keys() & ERRORS.keys() == set()
