"""Budgets of pods are amounts of CPU and memory within their limits; a plugin's sidecar can be called."""

from decimal import Decimal

import pytest

from aggregator.spec.checks.pods import quantity

LEAF = "- {name: main, %s container: {image: x}}\n"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("500m", "0.5"), (2, "2"), (1.5, "1.5"), ("1Ki", "1024"), ("3Mi", str(3 * 1024**2)), ("1k", "1000"),
        ("2E", str(2 * 10**18)), ("1e3", "1000"), ("5E-1", "0.5"), (".5", "0.5"), ("1.", "1"), ("7u", "0.000007"),
        ("-1", "-1"), ("+4n", "0.000000004"),
    ],
)  # fmt: skip
def test_quantities_have_decimal_and_binary_units(text, amount):
    assert quantity(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "m", "1Zi", "1 Gi", "one", "1ki", "0x10", "{{a.b}}", True, None, [], {}, "1KiB"])
def test_other_texts_are_none(text):
    assert quantity(text) is None


def budgets(check, text):
    """What is said of a budget, which is the same for a workflow and for a template."""
    (of_spec, of_template) = (
        check(LEAF % "", spec=f"  podResources: {text}\n"),
        check(LEAF % f"podResources: {text},"),
    )
    assert [f.replace("spec.", "W.") for f in of_spec] == [f.replace("templates.main.", "W.") for f in of_template]
    return of_spec


@pytest.mark.parametrize(
    "text",
    [
        "{}", "{limits: {cpu: 2}}", "{requests: {memory: 64Mi, hugepages-2Mi: 4Mi}}",
        "{requests: {cpu: 1500m}, limits: {cpu: 1.5}}", "{claims: [{name: x}]}", "{limits: null}",
    ],
)  # fmt: skip
def test_budgets_within_their_limits_are_fine(check, text):
    assert budgets(check, text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{requests: {cpu: 1501m}, limits: {cpu: 1.5}}", "requests.cpu must not be above the limit"),
        ("{limits: {memory: lots}}", "limits.memory 'lots' is no quantity"),
        ("{requests: {cpu: '-1'}}", "requests.cpu '-1' must not be negative"),
        ("{requests: {ephemeral-storage: 1Gi}}", "a pod as a whole has no 'ephemeral-storage'"),
    ],
)
def test_wrong_budgets_are_errors(check, text, said):
    (found,) = budgets(check, text)
    assert found.startswith("pod-resources: ")
    assert said in found


PLUGIN = "  executorPlugins: [{metadata: {name: p}, spec: {sidecar: {container: {%s}}}}]\n"


def test_a_plugin_that_can_be_called_is_fine(check):
    assert check(LEAF % "", spec=PLUGIN % "name: p, image: x, ports: [{containerPort: 80}]") == []
    assert check(LEAF % "", spec="  executorPlugins: []\n") == []


@pytest.mark.parametrize(
    ("spec", "missing"),
    [
        (PLUGIN % "image: x, ports: [{containerPort: 80}]", ["name"]),
        (PLUGIN % "name: p, image: x", ["ports"]),
        (PLUGIN % "name: p, ports: [{containerPort: 80}]", ["image"]),
        ("  executorPlugins: [{spec: {sidecar: text}}]\n", ["name", "image", "ports"]),
        ("  executorPlugins: [{}]\n", ["name", "image", "ports"]),
    ],
)
def test_a_plugin_needs_a_container_that_can_be_called(check, spec, missing):
    found = check(LEAF % "", spec=spec)
    assert found == [
        f"executor-plugin: spec.executorPlugins[0].spec.sidecar.container.{key} is required" for key in sorted(missing)
    ]
