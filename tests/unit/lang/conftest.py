"""Fixtures of the expression tests: a fixed context, and short ways to a value or an error."""

import random

import pytest

from aggregator.errors import LanguageError
from aggregator.lang.context import Context
from aggregator.lang.expr import parse

NOW = 1_700_000_000 * 10**9  # 2023-11-14T22:13:20Z


@pytest.fixture
def ctx():
    return Context(now=NOW, random=random.Random(1), keep=lambda _, make: make())


@pytest.fixture
def value(ctx):
    """`value(text, **variables)`: what the expression gives; `argo=True` adds Argo's functions."""

    def run(text, argo=False, **env):
        return parse(text).run(env, ctx, functions="argo" if argo else "bare")

    return run


@pytest.fixture
def fails(value):
    """`fails(text, **variables)`: the error of the expression, whose place must lie in the text."""

    def run(text, argo=False, **env):
        with pytest.raises(LanguageError) as caught:
            value(text, argo=argo, **env)
        error = caught.value
        assert error.text in (text, "")
        assert 0 <= error.start < error.end <= len(text) + 1 or error.kind == "limit"
        return error

    return run
