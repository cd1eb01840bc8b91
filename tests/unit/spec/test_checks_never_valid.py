"""Values that AWS can never take are errors wherever they come from; a run is refused for tags that cannot be parsed."""

import pytest

from aggregator.source import Source
from aggregator.spec.checks import check_documents, check_submission
from aggregator.spec.decode import decode_text

TOPIC = "arn:aws:sns:us-east-1:123456789012:deals"
PLUGIN = "- {name: main, plugin: {%s: {%s: '%s'}}}\n"
STORE = "- {name: main, container: {image: x}, outputs: {artifacts: [{name: o, path: /o, s3: {key: k, %s}}]}}\n"


@pytest.mark.parametrize(
    ("plugin", "field", "right", "wrong"),
    [
        ("aws-sns", "topicArn", (TOPIC, "arn:aws-cn:sns:cn-north-1:123456789012:t"), ("nonsense", "arn:aws:sns")),
        ("aws-sns", "region", ("eu-west-1", "us-gov-west-1", "aws-global"), ("mars", "eu west 1", "US-EAST-1")),
        ("aws-lambda", "functionName", ("work", "work:live", TOPIC), ("two words", "a/b")),
        ("aws-sqs", "queueUrl", ("https://sqs.us-east-1.amazonaws.com/1/q",), ("q", "sqs.us-east-1.amazonaws.com/1/q")),
        ("aws-s3", "bucket", ("my-bucket", "Old_Bucket"), ("a/b", "my bucket")),
    ],
)
def test_fields_of_aws_plugins_have_a_shape(check, plugin, field, right, wrong):
    for text in right:
        assert check(PLUGIN % (plugin, field, text)) == [], text
    for text in wrong:
        (found,) = check(PLUGIN % (plugin, field, text))
        assert found.startswith(f"never-valid: {plugin}.{field} is {text!r}"), found


def test_only_a_store_of_aws_has_the_regions_of_aws(check):
    assert check(STORE % "bucket: b, region: anywhere, endpoint: 'minio:9000'") == []
    assert check(STORE % "bucket: b, region: anywhere") == []
    assert check(STORE % "bucket: b, region: eu-west-1, endpoint: s3.amazonaws.com") == []
    (found,) = check(STORE % "bucket: b, region: anywhere, endpoint: s3.amazonaws.com")
    assert "s3.region is 'anywhere'" in found
    (found,) = check(STORE % "bucket: 'a/b', endpoint: 'minio:9000'")
    assert "s3.bucket is 'a/b'" in found


def test_a_value_is_followed_from_the_parameter_to_the_field(check):
    text = PLUGIN % ("aws-sns", "topicArn", "{{workflow.parameters.topic}}")
    for value, codes in (("nonsense", ["never-valid"]), (TOPIC, []), ("''", [])):
        spec = f"  arguments: {{parameters: [{{name: topic, value: {value}}}]}}\n"
        found = check(text, spec=spec)
        assert [f.partition(":")[0] for f in found] == codes
    assert check(text) != []  # nobody declares it


def workflow(command):
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  entrypoint: main\n"
        f"  templates:\n  - {{name: main, container: {{image: x, command: [echo, '{command}']}}}}\n"
    )
    return decode_text(Source("w.yaml", text))


def test_a_tag_that_cannot_be_parsed_is_a_warning_of_lint_and_refuses_a_run():
    bundle = workflow("{{=1 +}}")
    (warning,) = check_documents(bundle, bundle.workflows)
    assert (warning.code, warning.severity) == ("expression-syntax", "warning")
    (error,) = check_submission(bundle, bundle.workflows[0], bundle.workflows[0].model.spec)
    assert (error.code, error.severity, error.span) == ("expression-syntax", "error", warning.span)


@pytest.mark.parametrize("command", ["{{=1 + 1}}", "{{nothing.known}}", "{{ =1 +}}", "{{=sprig.nothing()}}"])
def test_tags_that_can_be_parsed_refuse_no_run(command):
    bundle = workflow(command)
    assert check_submission(bundle, bundle.workflows[0], bundle.workflows[0].model.spec) == []


def test_a_task_or_step_that_is_a_text_is_told_and_survived():
    for body in ("dag: {tasks: ['{{x}}']}", "steps: [['{{x}}']]"):
        text = f"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {{templates: [{{name: a, {body}}}]}}\n"
        bundle = decode_text(Source("w.yaml", text))
        assert [d.code for d in bundle.diagnostics] == ["wrong-type"]
        assert "name-required" in [d.code for d in check_documents(bundle, bundle.workflows)]


def test_fields_of_other_types_have_no_value_to_judge():
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  entrypoint: main\n  templates:\n"
        "  - {name: main, container: {image: x, args: [1, <your name>], "
        "env: [{name: AWS_REGION, valueFrom: {secretKeyRef: {name: s, key: k}}}]}}\n"
    )
    bundle = decode_text(Source("w.yaml", text), strict=False)
    (found,) = check_documents(bundle, bundle.workflows)
    assert (found.code, found.severity) == ("placeholder", "warning")
