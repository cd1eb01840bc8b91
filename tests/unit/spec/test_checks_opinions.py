"""What bites although Argo takes it: warnings, and the one error of text that was not filled in."""

import pytest

from aggregator.source import Source
from aggregator.spec.checks import check_documents, effectless, silenced
from aggregator.spec.decode import decode_text

LOOP = """
- name: main
  dag:
    tasks:
    - {name: many, template: %s, withItems: [1, 2], arguments: {parameters: [{name: num, value: "{{item}}"}]}}
    - {name: all, depends: many, template: take, arguments: {parameters: [{name: list, value: "{{tasks.many.outputs.%s}}"}]}}
- name: json
  inputs: {parameters: [{name: num}]}
  container: {image: x, command: [echo, "{{inputs.parameters.num}}"]}
  outputs: {parameters: [{name: o, valueFrom: {path: /o}}]}
- name: text
  inputs: {parameters: [{name: num}]}
  container: {image: x, command: [sh, -c], args: ["echo number {{inputs.parameters.num}}"]}
- name: take
  inputs: {parameters: [{name: list}]}
  %s
"""
SOURCE = "script: {image: x, command: [cat], source: '{{inputs.parameters.list}}'}"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("container: {image: x, env: [{name: L, value: '{{inputs.parameters.list}}'}]}", True),
        ("script: {image: x, source: x, env: [{name: L, value: '{{inputs.parameters.list}}'}]}", True),
        ("container: {image: x, args: [a, '{{inputs.parameters.list}}']}", True),
        ("containerSet: {containers: [{name: main, image: x, command: ['{{inputs.parameters.list}}']}]}", True),
        (
            "container: {image: x, args: [a]}\n  initContainers: [{name: i, image: x, args: ['{{inputs.parameters.list}}']}]",
            True,
        ),
        (SOURCE, False),
        ("container: {image: x, args: ['{{inputs.parameters.other}} {{workflow.name}}']}", False),
    ],
)
def test_an_aggregate_does_not_fit_into_a_variable_or_argument(check, body, found):
    for what in ("result", "parameters.o", "parameters"):
        text = LOOP % ("json", what, body)
        assert bool(check(text, severity="warning", codes={"aggregate-in-env"})) is found


def test_a_single_result_is_no_aggregate(check):
    text = LOOP.replace(", withItems: [1, 2]", "") % (
        "json",
        "result",
        "container: {image: x, args: ['{{inputs.parameters.list}}']}",
    )
    assert check(text, severity="warning", codes={"aggregate-in-env"}) == []


def test_the_parameters_of_a_sequence_are_no_list(check):
    text = LOOP.replace("withItems: [1, 2]", "withSequence: {count: 2}")
    for what, found in (("parameters", False), ("parameters.o", True)):
        filled = text % ("json", what, "container: {image: x, args: ['{{inputs.parameters.list}}']}")
        assert bool(check(filled, severity="warning", codes={"aggregate-in-env"})) is found


def test_a_variable_that_holds_something_else_is_no_place_of_an_aggregate(check):
    body = "container: {image: x, env: [{name: A, value: a}, {name: L, value: '{{inputs.parameters.list}}'}]}"
    assert len(check(LOOP % ("json", "result", body), severity="warning", codes={"aggregate-in-env"})) == 1


def test_the_exit_template_of_a_task_is_used(check):
    text = """
- name: main
  dag: {tasks: [{name: a, template: leaf, onExit: bye}, {name: b, template: leaf}]}
- {name: leaf, suspend: {}}
- {name: bye, suspend: {}}
- {name: idle, suspend: {}}
"""
    assert check(text, severity="warning", codes={"unused-template"}) == [
        "unused-template: template 'idle' is not used"
    ]


def test_results_that_are_no_json_cannot_be_put_together(check):
    codes = {"not-json-aggregate"}
    assert check(LOOP % ("json", "result", SOURCE), severity="warning", codes=codes) == []
    assert check(LOOP % ("text", "parameters", SOURCE), severity="warning", codes=codes) == []
    (found,) = check(LOOP % ("text", "result", SOURCE), severity="warning", codes=codes)
    assert "prints 'number 0'" in found


@pytest.mark.parametrize(
    ("body", "printed"),
    [
        ("container: {image: x, command: [echo, hello]}", True),
        ("container: {image: x, command: [echo, -n, hello]}", True),
        ("container: {image: x, command: [echo, -e, hello]}", False),
        ("container: {image: x, command: [sh, -c, 'echo hello']}", True),
        ("container: {image: x, command: [sh, -c, 'echo \"5\"']}", False),
        ("container: {image: x, command: [sh, -c, 'echo $X']}", False),
        ('container: {image: x, command: [sh, -c, "echo \'a"]}', False),
        ("container: {image: x, command: [sh, -c, 'date']}", False),
        ("container: {image: x, command: [date]}", False),
        ('script: {image: x, command: [bash], source: "# say it\\necho hello\\n"}', True),
        ('script: {image: x, command: [bash], source: "cd /\\necho hello\\n"}', False),
        ("script: {image: x, command: [python], source: \"print('a')\"}", False),
        ("http: {url: http://x}", False),
    ],
)
def test_what_a_template_prints_is_known_from_a_plain_echo(check, body, printed):
    text = f"- name: main\n  steps:\n  - - {{name: a, template: t, withItems: [1]}}\n  - - {{name: b, inline: {{suspend: {{}}}}, when: \"'{{{{steps.a.outputs.result}}}}' == ''\"}}\n- name: t\n  {body}\n"
    assert bool(check(text, severity="warning", codes={"not-json-aggregate"})) is printed


@pytest.mark.parametrize(
    ("template", "policy", "found"),
    [
        ("http: {url: http://x}", "OnError", True),
        ("http: {url: http://x}", "OnTransientError", False),
        ("steps: [[{name: a, inline: {suspend: {}}}]]", "OnError", True),
        ("container: {image: x}", "OnTransientError", True),
        ("script: {image: x}", "OnTransientError, expression: 'true'", False),
        ("container: {image: x}", "OnError", False),
        ("container: {image: x}", "OnFailure", False),
    ],
)
def test_policies_that_never_retry(check, template, policy, found):
    text = f"- name: main\n  {template}\n  retryStrategy: {{retryPolicy: {policy}}}\n"
    assert bool(check(text, severity="warning", codes={"retry-never"})) is found


@pytest.mark.parametrize(
    ("when", "found"),
    [
        ("x == a-b", True),
        ("'{{workflow.name}}' == 'a-b'", False),
        ("{{workflow.name}}-x == y", True),
        ("{{=asInt(workflow.priority)-1}} > 3", False),
        ("3 - 1 == 2", False),
        ('\\"a-b\\" == x', False),
    ],
)
def test_unquoted_hyphens_in_conditions(check, when, found):
    text = f'- name: main\n  steps:\n  - - {{name: a, inline: {{suspend: {{}}}}, when: "{when}"}}\n'
    assert bool(check(text, severity="warning", codes={"when-hyphen"})) is found


def test_templates_that_nothing_reaches(check):
    text = "- {name: main, steps: [[{name: a, template: used, onExit: bye}]]}\n- {name: used, suspend: {}}\n- {name: bye, suspend: {}}\n- {name: idle, suspend: {}}\n- {name: hook, suspend: {}}\n"
    spec = "  hooks: {exit: {template: hook}}\n"
    assert check(text, spec=spec, severity="warning") == ["unused-template: template 'idle' is not used"]
    # Of an entrypoint that there is not, nothing can be reached: the templates are not told one by one.
    assert check(text.replace("name: main", "name: mian"), spec=spec, severity="warning") == []
    dynamic = text.replace("template: used", "template: '{{workflow.name}}'")
    assert check(dynamic, spec=spec, severity="warning") == []
    stored = "kind: WorkflowTemplate\nmetadata: {name: t}\nspec: {entrypoint: a, templates: [{name: a, suspend: {}}, {name: b, suspend: {}}]}\n"
    assert check(stored, severity="warning") == []


def test_inputs_and_arguments_that_nothing_mentions(check):
    text = "- name: main\n  inputs: {parameters: [{name: a, value: x}, {name: b, value: x}]}\n  container: {image: x, args: ['%s']}\n"

    def found(mention, spec=""):
        return check(text % mention, spec=spec, severity="warning", codes={"unused-parameter"})

    assert found("{{inputs.parameters.a}}") == ["unused-parameter: templates.main: input parameter 'b' is not used"]
    assert found("{{=inputs.parameters['a'] + inputs.parameters.b}}".replace("'", '"')) == []
    assert found("{{=inputs.parameters?.a}}{{inputs.parameters.b}}") == []
    assert found("{{inputs.parameters}}") == []
    given = "  arguments: {parameters: [{name: a, value: x}, {name: c, value: x}]}\n"
    both = "{{inputs.parameters.a}} {{inputs.parameters.b}}"
    assert found(both, given) == ["unused-parameter: parameter 'c' of the workflow is not used"]
    assert found(both + "{{workflow.parameters.c}}", given) == []
    assert found(both + "{{workflow.parameters.json}}", given) == []
    assert check("- {name: main, inputs: {parameters: [{name: a, value: x}]}, suspend: {}}\n", severity="warning") == []


@pytest.mark.parametrize(
    ("variable", "found"),
    [
        ("name: DB_PASSWORD, value: hunter22", True),
        ("name: DB_PASSWORD, value: '{{inputs.parameters.x}}'", False),
        ("name: DB_PASSWORD, value: ''", False),
        ("name: DB_PASSWORD_FILE, value: secrets.txt", False),
        ("name: TOKEN, value: /run/token", False),
        ("name: COLOR, value: red-and-blue", False),
        ("name: COLOR, value: AKIAABCDEFGHIJKLMNOP", True),
    ],
)
def test_secrets_in_plain_text(check, variable, found):
    text = f"- name: main\n  container: {{image: x, env: [{{{variable}}}]}}\n"
    assert bool(check(text, severity="warning", codes={"plain-secret"})) is found


def test_headers_with_credentials_are_secrets(check):
    text = "- name: main\n  http: {url: http://x, headers: [{name: Authorization, value: Basic abc}]}\n"
    assert check(text, severity="warning")[0].startswith("plain-secret")


def test_a_document_that_a_cluster_would_not_take(check):
    text = f"- name: main\n  container: {{image: x, args: [{'x' * 1_100_000}]}}\n"
    assert check(text, severity="warning")[0].startswith("too-large")


# ----------------------------------------------------------------- placeholders

FIELDS = """
- name: main
  steps:
  - - {name: a, template: store, arguments: {parameters: [{name: place, value: "{{workflow.parameters.region}}"}]}}
- name: store
  inputs: {parameters: [{name: place}]}
  container: {image: x, env: [{name: AWS_REGION, value: "%s"}]}
  outputs: {artifacts: [{name: o, path: /o, s3: {bucket: %s, region: "%s", key: k}}]}
- name: tell
  inputs: {parameters: [{name: topic, value: "%s"}]}
  plugin: {aws-sns: {topicArn: "{{inputs.parameters.topic}}", message: hi}}
"""
SPEC = "  arguments: {parameters: [{name: region, value: %s}]}\n"


def placeholders(check, *values, region="eu-west-1"):
    return check(FIELDS % values, spec=SPEC % region, codes={"placeholder"})


def test_filled_fields_are_fine(check):
    topic = "arn:aws:sns:us-east-1:123456789012:t"
    assert placeholders(check, "us-east-1", "my-bucket", "{{inputs.parameters.place}}", topic) == []
    assert placeholders(check, "{{inputs.parameters.place}}", "b", "{{workflow.name}}x", "{{workflow.nothing}}") == []


def test_text_that_can_never_be_a_region_bucket_or_arn_is_an_error(check):
    for values in (
        ("AWS_REGION", "b", "r", "t"),
        ("r", "S3_BUCKET_NAME", "r", "t"),
        ("r", "<bucket>", "r", "t"),
        ("r", "your-bucket", "r", "t"),
        ("r", "b", "${REGION}", "t"),
        ("r", "b", "r", "TOPIC_ARN"),
    ):
        (found,) = placeholders(check, *values)
        assert "looks like a placeholder" in found
    assert placeholders(check, "r", "b", "r", "arn:aws:sns:REGION_X:ACCOUNT_ID:t") != []


def test_a_parameter_may_bring_the_placeholder(check):
    found = placeholders(
        check, "{{inputs.parameters.place}}", "b", "{{workflow.parameters.region}}", "t", region="AWS_REGION"
    )
    assert len(found) == 2
    assert all("(from parameter 'region')" in f for f in found)
    topic = "  arguments: {parameters: [{name: t, value: 'arn:aws:sns:AWS_REGION:ACCOUNT_ID:NAME'}]}\n"
    (found,) = check("- {name: main, container: {image: x}}\n", spec=topic)
    assert found.startswith("placeholder: parameter 't' is")


def test_elsewhere_a_placeholder_is_a_warning(check):
    text = "- name: main\n  container: {image: x, args: ['%s']}\n"
    for part in ("copy to s3://S3_BUCKET/x", "<your name>", "CHANGE_ME", "use arn:aws:sns:AWS_REGION:ACCOUNT_ID:T now"):
        assert check(text % part) == []
        assert check(text % part, severity="warning", codes={"placeholder"}) != [], part
    for part in ("SOME_CONSTANT", "<b>bold</b>", "s3://bucket/x", "YOURS"):
        assert check(text % part, severity="warning", codes={"placeholder"}) == [], part


def test_templates_that_hand_their_inputs_to_themselves_end(check):
    text = """
- name: main
  inputs: {parameters: [{name: r, default: AWS_REGION}]}
  steps:
  - - {name: again, template: main, arguments: {parameters: [{name: r, value: "{{inputs.parameters.r}}"}]}}
    - {name: leaf, template: leaf, arguments: {parameters: [{name: r, value: "{{inputs.parameters.r}}"}]}}
- name: leaf
  inputs: {parameters: [{name: r}]}
  container: {image: x, env: [{name: AWS_DEFAULT_REGION, value: "{{inputs.parameters.r}}"}]}
"""
    assert check(text, codes={"placeholder"}) == []


# ---------------------------------------------------------------------- ignored


def test_a_comment_silences_a_warning_on_its_line_or_the_next():
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  entrypoint: a\n  templates:\n"
        "  - name: a\n    container: {image: x}\n"
        "  - name: b  %s\n    suspend: {}\n"
        "  %s\n  - name: c\n    suspend: {}\n"
    )

    def found(one, two):
        bundle = decode_text(Source("w.yaml", text % (one, two)))
        return [d.message for d in check_documents(bundle, bundle.workflows)]

    both = ["template 'b' is not used", "template 'c' is not used"]
    assert found("#", "#") == both
    assert found("# agg: ignore[unused-template]", "# agg: ignore[other]") == both[1:]
    assert found("# see agg: ignore", "# agg: ignore[other, unused-template]") == both[:1]


def test_errors_are_never_silenced_but_for_placeholders():
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n"
        "  entrypoint: gone # agg: ignore[unknown-template]\n"
        "  serviceAccountName: x # agg: ignore[ignored-field]\n"
        "  templates:\n  - name: a\n    container: {image: x}\n"
        "    outputs: {artifacts: [{name: o, path: /o, s3: {bucket: S3_BUCKET, key: k}}]} # agg: ignore[placeholder]\n"
    )
    bundle = decode_text(Source("w.yaml", text))
    assert [d.code for d in check_documents(bundle, bundle.workflows)] == ["unknown-template"]
    assert all(silenced(d) for d in effectless(bundle.workflows[0]))
