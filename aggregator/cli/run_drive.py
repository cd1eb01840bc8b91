"""Drives a prepared run: opens what it needs (sandbox, journal, folder, secrets), runs it, closes all, tells."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.app import KeptMasker, Runner
from aggregator.app.adapters import NOWHERE, World
from aggregator.app.children import Surroundings
from aggregator.cli.asking import asking_observers
from aggregator.cli.run_report import finished, refused
from aggregator.cli.settings_sources import open_home, open_journal
from aggregator.errors import StoreError, UsageError
from aggregator.observe import choose_progress, make_observer
from aggregator.secrets.documents import secret_references
from aggregator.secrets.store import SecretStore
from aggregator.spec.bundle import Bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.app import Prepared, RunResult
    from aggregator.cli.run import Request
    from aggregator.cli.run_arguments import Arguments
    from aggregator.ports import Journal
    from aggregator.settings import Settings


def drive(request: Request, prepared: Prepared, settings: Settings, supporting: Bundle) -> int:
    """Open what the run needs, run it, close it all, tell."""
    given = request.given
    dry = settings.text("runtime") == "dry"
    sandbox = _sandbox(request, prepared) if request.sandbox and not dry else None
    journal: Journal | None = None
    folder: Path | None = None
    try:
        journal = open_journal(settings)
        folder = open_home(settings).create_run_folder(prepared.name, prepared.uid)
        secrets = _secrets(settings, prepared, sandbox, folder)
        journal.guard(secrets.masker.mask_bytes)
        world = World(sandbox.routes, sandbox.aws_endpoint, sandbox.env) if sandbox is not None else NOWHERE
        around = Surroundings(
            supporting=lambda main: supporting_of(request, supporting, main, settings),
            secrets=lambda run, own, also: _secrets(settings, run, sandbox, own, also),
        )
        runner: Any = Runner(
            settings=settings, journal=journal, folder=folder, secrets=secrets, world=world, surroundings=around
        )
        if dry:
            from aggregator.testing.dry import DryRunner  # noqa: PLC0415 - runs that touch nothing are few

            runner = DryRunner(runner)
        how = choose_progress(settings.text("progress"), sys.stderr, os.environ)
        observers = [] if how == "none" else [make_observer(how, sys.stderr, secrets.mask)]
        if given.has("log"):
            stream = sys.stderr if given.one("output") else sys.stdout
            observers.append(make_observer("logs", stream, secrets.mask))
        detach = given.has("detach-on-suspend")
        if not dry:
            home = given.one("home")
            observers += asking_observers(runner, prepared, observers, secrets.mask, home=home, ask=not detach)
        try:
            result: RunResult = runner.run(prepared, entry=request.entry, observers=observers, detach=detach)
        except StoreError as error:
            # The journal can't be kept any more. What is not in it has not happened, so the run ends here.
            say(f"agg: {prepared.name} is given up in mid-way; what is known of it: agg get {prepared.name}")
            return refused(error, prepared.name, given.one("output"), prepared.uid)
        finally:
            for observer in observers:
                observer.close()
        report = sandbox.keep(folder) if sandbox is not None else None
        return finished(result, prepared, output=given.one("output"), mask=secrets.mask, sandbox=report)
    finally:
        if sandbox is not None:
            sandbox.stop()
        if journal is not None:
            journal.close()
        if folder is not None:
            with suppress(OSError):
                folder.rmdir()  # a run that was refused has left nothing in it


def _sandbox(request: Request, prepared: Prepared) -> Any:
    from aggregator.sandbox.world import World  # noqa: PLC0415 - only for the sandbox

    given = request.given
    if request.bundled and not given.has("sandbox"):
        say("no bucket and topic given: running in the sandbox. Live: agg run --s3-bucket BUCKET --sns-topic-arn ARN")
    return World.start(
        workflow=prepared.workflow,
        parameters=prepared.parameters,
        supporting=[*prepared.templates, *prepared.config_maps],
        posts=request.sandbox_posts,
        faults=_number(given, "sandbox-faults", 0.0, "0.2"),
        fault_limit=int(_number(given, "sandbox-fault-limit", 2, "2")),
        seed=int(_number(given, "sandbox-seed", 0, "7")),
        notice=say,
    )


def _number(given: Arguments, key: str, default: float, example: str) -> float:
    text = given.one(key)
    try:
        return float(text) if text else default
    except ValueError:
        raise UsageError(f"--{key} {text!r} must be a number", hint=f"for example --{key} {example}") from None


def supporting_of(request: Request, supporting: Bundle, main: Bundle, settings: Settings) -> Bundle:
    """What a Workflow that a leaf creates may refer to: all that this run may, and stored templates of its own."""
    from aggregator.cli.stored import add_stored  # noqa: PLC0415 - few workflows create others

    found = Bundle()
    found.merge(request.bundle)
    found.merge(supporting)
    found.workflows, found.cron_workflows, found.diagnostics = [], [], []
    given = Bundle()
    given.merge(main)
    given.merge(found)
    found.merge(add_stored(given, settings))
    return found


def _secrets(
    settings: Settings, prepared: Prepared, sandbox: Any, folder: Path, also: Callable[[str], None] | None = None
) -> Any:
    env_file = settings.text("secrets.env_file")
    store = SecretStore(
        folders=[Path(p) for p in settings.paths("secrets.folders")],
        env_file=Path(env_file) if env_file else None,
        documents=[*prepared.secrets, *prepared.config_maps],
        extra=sandbox.secrets if sandbox is not None else None,
        masker=KeptMasker(open_home(settings).path, folder, also),
    )
    store.expect(secret_references([prepared.workflow, *prepared.templates]))
    return store


def say(text: str) -> None:
    """One line for people, at once."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
