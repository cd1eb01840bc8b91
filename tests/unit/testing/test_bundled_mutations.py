"""Every mutant of the bundled workflow that changes a dry run at all is failed by the project's own tests of it.

Mutants are made by operators over every field of the file, none is picked by hand: a field is dropped, a text or flag
negated, a number moved by one, a value swapped with its neighbour, a value given another type. Dry runs are a family: all
leaves succeed, fail, are transient, ask for patience, take long, or the run is stopped; what is compared is the whole status
and everything that leaves were asked to do. A field that no such run depends on (a description, a label) is left alone.
"""

import copy
import json
import re
from pathlib import Path

import msgspec
import pytest

from aggregator.engine.status import status
from aggregator.errors import AggError
from aggregator.source import Source
from aggregator.spec.decode import decode_text
from aggregator.spec.yaml import parse_text
from aggregator.testing.cases import Case, Happening, HttpAnswer, Mock, MockedOutcome
from aggregator.testing.documents import Documents
from aggregator.testing.load import load_file
from aggregator.testing.session import judge
from aggregator.testing.trial import try_case

CONFIGS = Path(__file__).parents[3] / "configs"
WORKFLOW = CONFIGS / "dynamic-deal-aggregator.yaml"
TESTS = CONFIGS / "dynamic-deal-aggregator.aggtest.yaml"
FEWEST = 30

NEGATIONS = (
    ("==", "!="), ("!=", "=="), ("&&", "||"), (" contains ", " not contains "), (".Succeeded", ".Failed"), (" < ", " >= "),
    ("On", "Not"), ("Always", "OnFailure"), ("OnTransientError", "OnError"), ("GET", "POST"),
)  # fmt: skip
BODIES = ('{"userId": 7, "id": 1}', '{"userId": 7}', '{"id": 1}', "{}")


def fields(value, path=()):
    """Every place of a document: of maps, lists and scalars."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*path, key)
        yield from fields(part, (*path, key))


def at(document, path):
    for part in path:
        document = document[part]
    return document


def negated(value):
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, str):
        for old, new in NEGATIONS:
            if old in value:
                yield value.replace(old, new, 1)


def moved(value):
    """Numbers, and the numbers inside of texts, one up and one down."""
    if isinstance(value, int) and not isinstance(value, bool):
        yield value + 1
        yield value - 1
    elif isinstance(value, str) and (match := re.search(r"\d+", value)):
        for step in (1, -1):
            yield value[: match.start()] + str(int(match[0]) + step) + value[match.end() :]


def retyped(value):
    if isinstance(value, str):
        yield [value]
        yield int(value) if value.isdigit() else {"value": value}
    elif isinstance(value, bool | int):
        yield str(value)
    elif isinstance(value, list):
        yield {str(i): part for i, part in enumerate(value)}
    else:
        yield list(value)


def mutants(document):
    """Name and document of every mutant."""
    for path in list(fields(document)):
        *above, last = path
        value = at(document, path)
        name = "/".join(map(str, path))

        def mutant(change, above=above):
            made = copy.deepcopy(document)
            change(at(made, above))
            return made

        yield f"drop {name}", mutant(lambda holder, last=last: holder.pop(last))
        for operator in (negated, moved, retyped):
            for new in operator(value):
                yield (
                    f"{operator.__name__} {name}: {new!r:.60}",
                    mutant(lambda holder, last=last, new=new: holder.__setitem__(last, new)),
                )
        holder = at(document, above)
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        following = keys[keys.index(last) + 1 :][:1]
        for other in following:
            if type(holder[other]) is type(value) and holder[other] != value:

                def swap(inside, last=last, other=other):
                    inside[last], inside[other] = inside[other], inside[last]

                yield f"swap {name} and {other}", mutant(swap)


def family():
    """Mocks, events and parameters of the dry runs that tell mutants from the original."""
    fetched = Mock((MockedOutcome(http=HttpAnswer(200, (), BODIES[0])),), template="fetch-*")
    done = Mock((MockedOutcome(),))
    busy = HttpAnswer(503)
    yield "default parameters", (fetched, done), (), ()
    given = (("count", "3"), ("s3Bucket", "b"), ("snsTopicArn", "arn:aws:sns:us-east-1:123456789012:t"))
    yield "all succeed", (fetched, done), (), given
    yield "all fail", (Mock((MockedOutcome(phase="Failed", message="no"),)),), (), given
    yield "all err", (Mock((MockedOutcome(phase="Error", message="no"),)),), (), given
    yield "all are transient", (Mock((MockedOutcome(phase="Failed", message="no", transient=True),)),), (), given
    yield "all recover", (Mock((MockedOutcome(http=busy), MockedOutcome(http=HttpAnswer(200, (), BODIES[0]))), template="fetch-*"),
                          Mock((MockedOutcome(phase="Error", transient=True), MockedOutcome()))), (), given  # fmt: skip
    patient = HttpAnswer(503, (("Retry-After", "100"),))
    yield "patience is asked for", (Mock((MockedOutcome(http=patient),), url="*"), done), (), given
    yield "the wrong status", (Mock((MockedOutcome(http=HttpAnswer(201, (), BODIES[0])),), url="*"), done), (), given
    yield "not found", (Mock((MockedOutcome(http=HttpAnswer(404)),), url="*"), done), (), given
    for body in BODIES[1:]:
        yield body, (Mock((MockedOutcome(http=HttpAnswer(200, (), body)),), url="*"), done), (), given
    slow = MockedOutcome(http=HttpAnswer(200, (), BODIES[0]), takes=29.5)
    yield "many slow ones", (Mock((slow,), url="*"), done), (), (("count", "200"), *given[1:])
    yield "too slow", (Mock((MockedOutcome(http=busy, takes=31),), url="*"), done), (), given
    yield "hours", (fetched, Mock((MockedOutcome(takes=4000),))), (), given
    yield "nothing to do", (fetched, done), (), (("count", "0"), *given[1:])
    for deed in ("stop", "terminate"):
        yield deed, (Mock((slow,), url="*"), done), (Happening(10, deed, "enough"),), given


def traces(bundle):
    """What each dry run of the family came to: everything that was decided, and all that leaves were asked for."""
    for _, mocks, events, parameters in family():
        case = Case(
            "",
            None,
            Documents(bundle=bundle),
            type(bundle)(),
            parameters,
            mocks=mocks,
            events=events,
            options={"slots": {}},
        )
        trial = try_case(case, detailed=True)
        if trial.run is None:
            yield trial.phase, trial.message, str(trial.problems)
            continue
        asked = [msgspec.structs.replace(a, template={**a.template}) for a in trial.run.attempts]
        yield trial.duration, json.dumps(status(trial.machine)), msgspec.json.encode(asked)


def bundle_of(document):
    return decode_text(Source("mutant", json.dumps(document)))


@pytest.fixture(scope="module")
def original():
    (document,) = parse_text(Source(str(WORKFLOW), WORKFLOW.read_text())).documents
    return document.value


@pytest.fixture(scope="module")
def cases():
    return load_file(TESTS)


def failed(cases, bundle):
    """Whether a test of the file fails for this workflow; a file that can't be read as a workflow fails all."""
    for case in cases:
        case.main = Documents(bundle=bundle)
        if not judge(case).passed:
            return True
    return False


def differs(bundle, expected):
    try:
        for trace, wanted in zip(traces(bundle), expected, strict=True):
            if trace != wanted:
                return True
    except AggError:
        return True
    return False


def test_the_projects_tests_of_the_bundled_workflow_pass(cases):
    assert [(v.name, v.problems) for v in map(judge, cases) if not v.passed] == []


@pytest.mark.timeout(900)
def test_every_mutant_that_changes_a_dry_run_is_failed_by_the_projects_tests(original, cases):
    expected = list(traces(bundle_of(original)))
    changing, survivors = 0, []
    for name, document in mutants(original):
        bundle = bundle_of(document)
        if failed(cases, bundle):
            # Whether a failed one changes a dry run is only asked until there are enough: it takes most of the time.
            changing += changing < FEWEST and differs(bundle, expected)
        elif differs(bundle, expected):
            changing += 1
            survivors.append(name)
    assert survivors == []
    assert changing >= FEWEST
