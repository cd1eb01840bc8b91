"""The plugin runtime: built-in plugins (`aws-sns`, `aws-sqs`, `aws-lambda`), else those of the settings, asked over HTTP."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from aggregator.engine.events import Outcome
from aggregator.errors import AggError, NotFound, StoreError, TransientError, Unsupported, nearest
from aggregator.runtimes.aws_fields import Refused
from aggregator.runtimes.aws_plugins import PLUGINS
from aggregator.runtimes.executor_plugins import ExecutorPlugins, read_plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aggregator.aws.clients import AwsClients
    from aggregator.engine.commands import Attempt
    from aggregator.ports import Secrets, Sink, Workspace


class PluginRuntime:
    """Implements ports.Runtime for `plugin` templates.

    What the service refuses is Failed, as a container that ran `aws` would be; a template that makes no sense is Error.
    """

    name: ClassVar[str] = "plugin"
    staged: ClassVar[bool] = False

    def __init__(self, *, clients: AwsClients, secrets: Secrets, plugins: Mapping[str, Any] | None = None) -> None:
        self._clients = clients
        self._secrets = secrets
        self._others = ExecutorPlugins(read_plugins(plugins), secrets=secrets) if plugins else None

    async def open(self, attempt: Attempt, folder: Path) -> Workspace:
        raise NotImplementedError(f"plugins have no files: {attempt.name} in {folder}")

    async def close(self, workspace: Workspace) -> None:
        raise NotImplementedError(f"plugins have no files: {workspace}")

    async def stop(self) -> None:
        """Connections to plugins end; the clients belong to the app."""
        if self._others is not None:
            await self._others.close()

    async def run(self, attempt: Attempt, _workspace: Workspace | None, sink: Sink) -> Outcome:
        body = attempt.template.get("plugin")
        if not isinstance(body, dict) or len(body) != 1:
            keys = ", ".join(map(repr, body)) if isinstance(body, dict) else type(body).__name__
            return Outcome(phase="Error", message=f"plugin must hold exactly one plugin, not {keys or 'none'}")
        ((name, fields),) = body.items()
        if name not in PLUGINS and self._others is not None:
            return await self._others.run(attempt, str(name), sink)
        if name not in PLUGINS:
            known = ", ".join(sorted(PLUGINS))
            raise Unsupported(
                f"plugin {name!r} is not known here; the built-in ones are {known}, and the settings name none",
                hint=nearest(str(name), PLUGINS) or 'name it in the settings: [plugins.NAME] address = "http://..."',
            )
        sink.started()
        try:
            answer = await _in_thread(lambda: PLUGINS[name](fields, self._clients, self._secrets), str(name))
        except TransientError:
            raise
        except (Refused, NotFound) as exc:
            return Outcome(phase="Error", message=_words(exc))
        except StoreError as exc:
            return Outcome(phase="Failed", message=_words(exc))
        if answer.log:
            sink.write("stderr", answer.log.encode())
        if answer.failure:
            return Outcome(phase="Failed", message=answer.failure, result=answer.result)
        return Outcome(phase="Succeeded", result=answer.result)


def _words(exc: AggError) -> str:
    return f"{exc.message}; {exc.hint}" if exc.hint else exc.message


async def _in_thread(call: Callable[[], Any], name: str) -> Any:
    """Run a blocking call in a thread of its own that does not hold up the end of the process.

    A call that was sent can't be taken back: when the attempt is cancelled its answer is dropped, and the thread ends with
    the client's time limit. A pool would make the interpreter wait for it.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(set_it: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            set_it(value)

    def work() -> None:
        try:
            done, value = future.set_result, call()
        except BaseException as exc:  # noqa: BLE001 - raised again in the loop
            done, value = future.set_exception, exc
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, done, value)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await future
