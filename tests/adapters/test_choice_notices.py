"""What the choice of a runtime tells of leaves that lose something by it."""

import asyncio

from aggregator.app.choice import Choice
from aggregator.engine.commands import Attempt
from aggregator.secrets.store import SecretStore
from aggregator.settings import environment_layer, resolve


def attempt(**template):
    return Attempt(
        node=1, node_id="w-1", name="w.a", display_name="a", template_name="a", pod_name="w-a", kind="container",
        template={"container": {"image": "x"}, **template}, index=0, workflow="w", uid="u", namespace="default",
        deadline=None, want_result=False,
    )  # fmt: skip


def told(tmp_path, *attempts):
    notices = []
    choice = Choice(
        settings=resolve([environment_layer({"AGG_RUNTIME": "process"})]), folder=tmp_path, secrets=SecretStore(environ={}), env={}, environ={},
        notice=notices.append, process=object,
    )  # fmt: skip

    async def choose():
        return [await choice.runtime_of(one) for one in attempts]

    assert len(set(map(id, asyncio.run(choose())))) == 1
    return notices


def test_host_names_that_processes_do_not_have_are_told_once(tmp_path):
    """The machine's own names hold for a process, so a leaf that counts on hostAliases fails: the reason is said before."""
    row = {"ip": "127.0.0.9", "hostnames": ["foo.local", "bar.local"]}
    (notice,) = told(tmp_path, attempt(hostAliases=[row]), attempt(hostAliases=[row]))
    assert notice.startswith("hostAliases have no effect on processes: foo.local, bar.local")
    assert "--runtime docker" in notice
    assert told(tmp_path, attempt()) == []
