"""Image rules: what runs when a template names an image and this host has none."""

import sys

import pytest

from aggregator.errors import Unsupported
from aggregator.runtimes.process.images import ImageRule, Images, spellings


def arguments(image, command=(), args=(), rules=(), exists=lambda name: True):
    return Images(rules).arguments(image, command, args, exists)


@pytest.mark.parametrize(
    "image",
    [
        "python",
        "python:3.9",
        "docker.io/python:3",
        "docker.io/library/python",
        "localhost:5000/python:x",
        f"python:3@sha256:{'a' * 64}",
        "my.registry.example/python:3.12-slim",
    ],
)
def test_an_image_is_known_with_and_without_registry_tag_and_digest(image):
    assert Images().rule(image).entrypoint == ()
    assert arguments(image) == ["python3"]


def test_an_image_of_the_same_last_name_in_another_namespace_is_not_known():
    assert Images().rule("someone/python:3").entrypoint is None


def test_a_port_in_the_registry_is_no_tag():
    assert "localhost:5000/a/b" in spellings("localhost:5000/a/b:1")
    assert "a/b" in spellings("localhost:5000/a/b")


def test_the_templates_command_wins_and_needs_no_rule():
    assert arguments("no/such:image", ["echo"], ["a"]) == ["echo", "a"]


def test_arguments_alone_follow_the_entrypoint():
    assert arguments("amazon/aws-cli:2.1", (), ["s3", "ls"]) == ["aws", "s3", "ls"]


def test_arguments_alone_are_the_command_where_the_image_has_no_entrypoint():
    assert arguments("alpine", (), ["echo", "x"]) == ["echo", "x"]


@pytest.mark.parametrize(
    ("args", "line"),
    [(["-e", "1"], ["node", "-e", "1"]), (["npm", "test"], ["npm", "test"]), (["app.js"], ["node", "app.js"])],
)
def test_language_images_run_options_and_files_by_their_program(args, line):
    assert arguments("node:22", (), args, exists=lambda name: name == "npm") == line


def test_an_unknown_image_without_command_is_refused_with_the_rule_to_add():
    with pytest.raises(Unsupported) as raised:
        arguments("me/app:1", (), ["x"])
    assert "me/app:1" in raised.value.message
    assert '[process.images."me/app:1"]' in raised.value.hint
    assert raised.value.exit_code == 4


def test_a_rule_of_the_user_wins_and_what_it_leaves_open_the_built_in_says():
    mine = ImageRule(pattern="python:3.*", env={"A": "1"}, path=("/mine",))
    rule = Images([mine]).rule("python:3.9")
    assert (rule.entrypoint, rule.env["A"], rule.path[0]) == ((), "1", "/mine")
    assert Images([ImageRule(pattern="python*", entrypoint=("pypy",))]).rule("python:3").entrypoint == ("pypy",)
    assert Images([mine]).rule("python:2").env == {}


def test_an_image_without_entrypoint_and_nothing_to_run_is_refused():
    with pytest.raises(Unsupported, match="neither command nor args"):
        arguments("docker/whalesay")


def test_python_images_run_our_own_interpreter(leaf):
    for command in (["python"], ["python3"], ["/usr/local/agg/bin/python"]):
        ran = leaf(
            body={
                "container": {
                    "image": "python:3.9",
                    "command": command,
                    "args": ["-c", "import sys; print(sys.prefix)"],
                }
            }
        )
        assert ran.result == sys.prefix


def test_a_nested_python_is_ours_too(leaf):
    assert leaf(sh="python -c 'import sys; print(sys.prefix)'", image="python:3.9").result == sys.prefix


def test_an_absolute_path_that_the_host_lacks_is_looked_up_by_its_last_part(leaf):
    assert leaf(body={"container": {"image": "x", "command": ["/no/such/bin/echo", "hello"]}}).result == "hello"


def test_ash_is_the_hosts_sh(leaf):
    assert leaf(body={"container": {"image": "busybox", "command": ["ash", "-c", "echo a"]}}).result == "a"


def test_a_users_rule_gives_entrypoint_path_and_environment(leaf, tmp_path):
    tool = tmp_path / "tools" / "say"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\necho "$GREETING $*"\n')
    tool.chmod(0o755)
    rule = ImageRule(pattern="me/say:*", entrypoint=("say",), path=(str(tool.parent),), env={"GREETING": "hello"})
    options = {"image_rules": [rule]}
    assert leaf(body={"container": {"image": "me/say:v2", "args": ["you"]}}, options=options).result == "hello you"
    assert (
        leaf(body={"container": {"image": "me/say:v2", "command": ["/say"], "args": ["a"]}}, options=options).result
        == "hello a"
    )


@pytest.mark.parametrize("isolation", ["bubblewrap"], indirect=True)
def test_a_program_of_the_image_is_found_by_its_absolute_path_inside_a_shell_line_too(leaf, tmp_path):
    tool = tmp_path / "tools" / "agg-say"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho said $*\n")
    tool.chmod(0o755)
    options = {"image_rules": [ImageRule(pattern="me/say", path=(str(tool.parent),))]}
    for path in ("/agg-say", "/opt/agg-me/bin/agg-say", "/usr/local/bin/agg-say"):
        assert leaf(sh=f"true; {path} a", image="me/say", options=options).result == "said a"


def test_the_runtime_refuses_an_image_without_command_or_rule(leaf):
    with pytest.raises(Unsupported, match="me/app:1"):
        leaf(body={"container": {"image": "me/app:1"}})


def test_the_aws_image_is_the_aws_of_our_extra(leaf):
    ran = leaf(body={"container": {"image": "amazon/aws-cli:2.17.59", "args": ["--version"]}})
    assert ran.outcome.phase == "Succeeded"
    assert ran.result.startswith("aws-cli/")
