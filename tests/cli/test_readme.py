"""What README says is true: its commands parse, its exit codes are ours, its links lead somewhere."""

import pathlib
import re
import shlex

import yaml

from aggregator.cli import COMMANDS
from aggregator.cli.run_arguments import first_pass, second_pass
from aggregator.errors import EXIT_CODES
from aggregator.source import Source
from aggregator.spec.decode import decode_text

REPO = pathlib.Path(__file__).parents[2]
README = (REPO / "README.md").read_text()


def test_the_table_of_exit_codes_is_the_programs():
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", README, re.MULTILINE))
    assert {int(code): text for code, text in rows.items()} == EXIT_CODES


def test_every_link_leads_to_a_file():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (REPO / target).exists(), target


def test_every_command_line_names_a_command_and_flags_that_exist():
    text = README.replace("\\\n", " ")
    lines = [line for line in text.splitlines() if re.match(r"\s*(\S*/)?agg \w", line) or " agg run " in line]
    calls = [part.split("#")[0] for line in lines for part in re.findall(r"\bagg (\w[^|;>`&]*)", line)]
    assert len(calls) > 15
    parameters = ["count", "s3Bucket", "snsTopicArn", "awsRegion", "baseUrl", "message"]
    for call in calls:
        command, *arguments = shlex.split(call.rstrip("`").split("2>&1")[0])
        if command not in COMMANDS:
            continue
        if command == "run":
            second_pass(first_pass(arguments), parameters)


def test_the_bundled_workflow_reads_without_a_complaint():
    text = (REPO / "configs" / "dynamic-deal-aggregator.yaml").read_text()
    bundle = decode_text(Source("dynamic-deal-aggregator.yaml", text))
    assert bundle.diagnostics == []
    declared = {p["name"] for p in yaml.safe_load(text)["spec"]["arguments"]["parameters"]}
    assert declared == {"count", "baseUrl", "s3Bucket", "awsRegion", "snsTopicArn"}
