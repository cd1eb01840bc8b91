"""The two passes over the arguments of `agg run`: the file first, then the rest against its parameters."""

import pytest

from aggregator.cli.run_arguments import assignment, first_pass, help_text, kebab, second_pass
from aggregator.errors import UsageError
from aggregator.spec.models import Parameter

DECLARED = ["count", "snsTopicArn", "s3Bucket", "my_param", "name", "S3URL"]


def passes(*arguments):
    given = first_pass(arguments)
    return given.file, dict(second_pass(given, DECLARED))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--count", "5"],
        ["--count=5"],
        ["wf.yaml", "--count", "5"],
        ["--count", "5", "wf.yaml"],
        ["--count=5", "wf.yaml"],
        ["--count", "5", "--sandbox", "wf.yaml"],
    ],
)
def test_a_parameter_flag_takes_one_value_wherever_the_file_stands(arguments):
    file, parameters = passes(*arguments)
    assert parameters == {"count": "5"}
    assert file == ("wf.yaml" if "wf.yaml" in arguments else "")


def test_a_value_may_begin_with_a_minus():
    assert passes("--count", "-1") == ("", {"count": "-1"})


@pytest.mark.parametrize("flag", ["--sns-topic-arn", "--snsTopicArn", "--sns_topic_arn"])
def test_kebab_camel_and_snake_case_name_the_same_parameter(flag):
    assert passes(flag, "arn:x") == ("", {"snsTopicArn": "arn:x"})


def test_a_flag_of_the_command_wins_over_a_parameter_of_its_name():
    given = first_pass(["--name", "run-1", "-p", "name=x"])
    assert given.one("name") == "run-1"
    assert second_pass(given, DECLARED) == []
    assert given.all("parameter") == ["name=x"]


def test_an_unknown_flag_is_an_error_with_the_nearest_name():
    with pytest.raises(UsageError) as told:
        passes("--cuont", "5")
    assert "--cuont" in told.value.message
    assert "--count" in told.value.hint
    with pytest.raises(UsageError) as told:
        passes("--sanbox", "wf.yaml")
    assert "--sandbox" in told.value.hint


def test_a_flag_without_its_value_says_what_is_missing():
    with pytest.raises(UsageError, match="--count needs a value"):
        passes("--count")
    with pytest.raises(UsageError, match="--name needs a value"):
        first_pass(["--name"])


def test_two_files_are_refused_and_both_named():
    with pytest.raises(UsageError, match=r"'a\.yaml', 'b\.yaml'"):
        first_pass(["a.yaml", "b.yaml"])


def test_short_flags_take_their_value_attached_too():
    given = first_pass(["-pcount=5", "-o", "json", "-l", "a=b"])
    assert given.all("parameter") == ["count=5"]
    assert given.one("output") == "json"


def test_after_two_dashes_everything_is_the_file():
    assert first_pass(["--sandbox", "--", "--odd.yaml"]).file == "--odd.yaml"


def test_two_parameters_that_are_spelled_alike_need_the_exact_name():
    given = first_pass(["--my-param", "1"])
    with pytest.raises(UsageError, match="may mean"):
        second_pass(given, ["myParam", "my_param"])
    assert second_pass(first_pass(["--myParam", "1"]), ["myParam", "my_param"]) == [("myParam", "1")]


def test_an_assignment_is_split_at_its_first_equals_sign():
    assert assignment("a=b=c", "-p") == ("a", "b=c")
    with pytest.raises(UsageError, match="NAME=VALUE"):
        assignment("count", "-p")


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("snsTopicArn", "--sns-topic-arn"),
        ("s3Bucket", "--s3-bucket"),
        ("my_param", "--my-param"),
        ("S3URL", "--s3-url"),
    ],
)
def test_the_help_shows_parameters_in_kebab_case(name, flag):
    assert kebab(name) == flag


def test_the_help_lists_defaults_enums_and_descriptions():
    text = help_text(
        "wf.yaml",
        [
            Parameter(name="count", value="5", description="How many"),
            Parameter(name="level", enum=("low", "high")),
            Parameter(name="mode", default="fast"),
        ],
    )
    assert "--count VALUE" in text
    assert "How many; default '5'" in text
    assert "one of low, high; required" in text
    assert "default 'fast'" in text
    assert "-p, --parameter NAME=VALUE" in text
