"""Speed of the small languages, as ratios to hand-written Python measured in the same run: `python benchmarks/lang_speed.py`."""

from __future__ import annotations

import gc
import random
import sys
import timeit
import tracemalloc
from typing import TYPE_CHECKING, Any

from aggregator.lang import tags, when
from aggregator.lang.context import Context
from aggregator.lang.expr import Expr, parse

if TYPE_CHECKING:
    from collections.abc import Callable

CONDITION = 'response.statusCode == 200 && response.body contains "userId" && response.body contains "id"'
BODY = '{"userId": 1, "id": 1, "title": "' + "x" * 120 + '", "body": "' + "y" * 130 + '"}'
ENV: dict[str, Any] = {"response": {"statusCode": 200, "body": BODY, "headers": {"Content-Type": ["application/json"]}}}
CTX = Context(now=0, random=random.Random(0), keep=lambda _, make: make())


def by_hand(env: dict[str, Any]) -> bool:
    """What a person would write instead of the condition."""
    response = env["response"]
    return response["statusCode"] == 200 and "userId" in response["body"] and "id" in response["body"]


def best(function: Callable[[], object], number: int, repeat: int = 7) -> float:
    """Seconds of one call, the best of several rounds."""
    return min(timeit.repeat(function, number=number, repeat=repeat)) / number


def condition() -> bool:
    """The article's success condition over a body of some 300 bytes, compiled once."""
    expr = parse(CONDITION)
    assert expr.run(ENV, CTX) is by_hand(ENV) is True
    ours = theirs = 1.0
    for _ in range(15):  # in turns, so that a busy moment of the machine meets both
        ours = min(ours, best(lambda: expr.run(ENV, CTX), 20_000, 1))
        theirs = min(theirs, best(lambda: by_hand(ENV), 20_000, 1))
    reading = best(lambda: Expr(CONDITION), 2_000)
    first = best(lambda: Expr(CONDITION).run(ENV, CTX), 1_000)
    print(f"condition: {ours * 1e6:.2f} us, by hand {theirs * 1e6:.2f} us, ratio {ours / theirs:.1f} (at most 10)")
    print(
        f"parsing it: {reading * 1e6:.1f} us (under 100); with its first check, compilation and run {first * 1e6:.1f} us"
    )
    return ours <= 10 * theirs and reading < 100e-6


def allocation() -> bool:
    """100,000 evaluations keep no memory but their results."""
    expr = parse(CONDITION)
    results = [expr.run(ENV, CTX)] * 100_000
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for i in range(100_000):
        results[i] = expr.run(ENV, CTX)
    grown = tracemalloc.get_traced_memory()[0] - before
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    print(f"memory: {grown:,} bytes kept and {peak:,} at most while 100,000 evaluations ran")
    return grown < 10_000


def template() -> bool:
    """A text with three tags, parsed once, against `str.format` of the same."""
    text = "https://{{inputs.parameters.host}}/posts/{{item}}?run={{workflow.name}}&limit=10"
    values = {"inputs.parameters.host": "api.example.org", "item": "17", "workflow.name": "fetch-abc12"}
    scope, filled = tags.Scope({"workflow.name": "fetch-abc12"}).child(values), tags.parse(text)
    by_format = "https://{host}/posts/{item}?run={name}&limit=10".format
    named = {"host": "api.example.org", "item": "17", "name": "fetch-abc12"}
    assert filled.fill(scope, CTX) == by_format(**named)
    ours, theirs = best(lambda: filled.fill(scope, CTX), 50_000), best(lambda: by_format(**named), 50_000)
    print(f"template: {ours * 1e6:.2f} us, str.format {theirs * 1e6:.2f} us, ratio {ours / theirs:.1f} (at most 5)")
    return ours <= 5 * theirs


def when_condition() -> bool:
    """Conditions that differ from node to node, more of them than are remembered: a short form and the whole grammar."""
    short = [f"job{i} == 'job7'" for i in range(20_000)]
    long = [f"{i} > 10 && 'job-{i}' != 'job-7'" for i in range(6_000)]
    each = best(lambda: [when.evaluate(text) for text in short], 1, 3) / len(short)
    whole = best(lambda: [when.evaluate(text) for text in long], 1, 1) / len(long)
    print(
        f"when: {each * 1e6:.1f} us for a comparison of two words, {whole * 1e6:.0f} us for one with &&, each text new"
    )
    return each < 50e-6


if __name__ == "__main__":
    checks = [condition(), allocation(), template(), when_condition()]
    sys.exit(0 if all(checks) else 1)
