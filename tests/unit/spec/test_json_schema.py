"""The JSON Schema for editors accepts what we accept, and refuses unknown fields and wrong types."""

import jsonschema
import msgspec
import pytest

from aggregator.source import Source
from aggregator.spec.schema import json_schema
from aggregator.spec.yaml import parse_text


@pytest.fixture(scope="module")
def validator():
    schema = msgspec.json.decode(msgspec.json.encode(json_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_all_examples_are_valid(validator, example_sources):
    for source in example_sources:
        for document in parse_text(source).documents:
            if document.value is not None:
                assert [e.message for e in validator.iter_errors(document.value)] == [], source.name


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("kind: Workflow\nspec: {entrypoint: a}", True),
        ("kind: Workflow\nspec: {entrypoint: }", True),
        ("kind: Workflow\nspec: {entrypoint: 1}", False),
        ("kind: Workflow\nspec: {entrypont: a}", False),
        ("kind: Workflow\nspec: {retryStrategy: {limit: '3'}}", True),
        ("kind: Workflow\nspec: {retryStrategy: {limit: 3}}", True),
        ("kind: Workflow\nspec: {retryStrategy: {limit: [3]}}", False),
        ("kind: Workflow\nspec: {arguments: {parameters: [{name: a, value: 3, enum: [1, x]}]}}", True),
        ("kind: Workflow\nspec: {arguments: {parameters: [{name: a, value: [3]}]}}", False),
        ("kind: Workflow\nspec: {templates: [{name: a, steps: [[{name: s, withItems: [1, {a: b}]}]]}]}", True),
        ("kind: Workflow\nspec: {templates: [{name: a, steps: [{name: s}]}]}", False),
        ("kind: Workflow\nspec: {podPriority: 3}", True),
        ("kind: CronWorkflow\nspec: {schedule: x}", True),
        ("kind: Secret\nstringData: {a: b}", True),
        ("kind: Secret\nstringData: {a: 1}", False),
        ("kind: Deployment\nanything: 1", True),
        ("nothing: 1", False),
    ],
)
def test_the_schema_agrees_with_decoding(validator, text, fits):
    (document,) = parse_text(Source("f", f"apiVersion: argoproj.io/v1alpha1\n{text}")).documents
    assert validator.is_valid(document.value) is fits


def test_fields_carry_the_ledgers_words(validator):
    spec = validator.schema["$defs"]["WorkflowSpec"]["properties"]
    assert spec["entrypoint"]["description"].endswith("(implemented)")
    assert spec["podPriority"]["deprecated"]
