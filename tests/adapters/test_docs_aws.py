"""docs/aws.md: its examples pass the checks that a real run makes, and its names are the program's."""

import asyncio
import re
from pathlib import Path

import pytest
import yaml

from aggregator.aws.access import ACCESS_FIELDS, access_of
from aggregator.aws.clients import AwsClients
from aggregator.engine.commands import Attempt
from aggregator.errors import TransientError
from aggregator.runtimes.aws_plugins import PLUGINS
from aggregator.runtimes.plugin import PluginRuntime
from aggregator.secrets.store import SecretStore, variable

TEXT = (Path(__file__).parents[2] / "docs" / "aws.md").read_text()
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]


class Quiet:
    def started(self):
        pass


@pytest.mark.parametrize(
    "block", [block[0] for block in BLOCKS if isinstance(block, list)], ids=lambda block: block["name"]
)
def test_plugin_examples_get_as_far_as_the_call(block, clean_aws):
    clients = AwsClients(endpoint="http://127.0.0.1:9", environ={})
    runtime = PluginRuntime(clients=clients, secrets=SecretStore(environ={}))
    attempt = Attempt(
        node=1,
        node_id="n",
        name="n",
        display_name="n",
        template_name=block["name"],
        pod_name="n",
        kind="plugin",
        template=block,
        index=0,
        workflow="wf",
        uid="u",
        namespace="default",
        deadline=None,
        want_result=True,
    )
    with pytest.raises(TransientError, match="the connection failed"):
        asyncio.run(runtime.run(attempt, None, Quiet()))
    clients.close()


@pytest.mark.parametrize("block", [block["s3"] for block in BLOCKS if isinstance(block, dict)])
def test_s3_examples_can_be_read(block):
    keys = {("s3-credentials", key): f"value-of-{key}" for key in ("accessKey", "secretKey", "sessionToken")}
    access = access_of(block, SecretStore(environ={}, extra=keys))
    assert access.region == "eu-west-1"
    assert bool(access.role_arn) != bool(access.session_token)


def test_every_plugin_and_access_field_is_described():
    for name in (*PLUGINS, *ACCESS_FIELDS):
        assert name in TEXT
    assert variable("s3-credentials", "accessKey") in TEXT
