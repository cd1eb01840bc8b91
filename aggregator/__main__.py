"""`python -m aggregator` and the command `agg`: runs a command and turns what happened into an exit code."""

from __future__ import annotations

import gc
import os
import sys

from aggregator.errors import AggError, UsageError

BUG = 70
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run a command line (by default this process's own); the exit code."""
    if arguments is not None:
        return _run(arguments)
    code = _run(sys.argv[1:])
    # The process ends now. Looking through all its memory for garbage would take as long as many a command.
    gc.freeze()
    return code


def _run(given: list[str]) -> int:
    try:
        _check_surroundings()
        from aggregator.cli import main as run_command  # noqa: PLC0415 - so that Ctrl-C while importing is told well too

        code = run_command(given)
        sys.stdout.flush()
    except AggError as error:
        from aggregator.cli.report import report  # noqa: PLC0415 - only when something is to be told

        report(error, sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left (`agg list | head`): nothing to say, and nobody to say it to.
        _leave_output()
        return 1
    except OSError as error:
        from aggregator.cli.report import report_machine  # noqa: PLC0415

        if report_machine(error, sys.stderr):
            _leave_output()
            return 1
        from aggregator.cli.report import report_crash  # noqa: PLC0415

        report_crash(error, given, sys.stderr)
        return BUG
    except Exception as error:  # noqa: BLE001 - the last line of defence; a traceback helps no user
        from aggregator.cli.report import report_crash  # noqa: PLC0415

        report_crash(error, given, sys.stderr)
        return BUG
    return code


def _check_surroundings() -> None:
    """Streams that can be used whatever we were started with, and a current folder."""
    from aggregator.cli.streams import mend_streams  # noqa: PLC0415 - so that Ctrl-C while importing is told well too

    mend_streams()
    try:
        os.getcwd()  # noqa: PTH109 - asked before anything is imported that could use it
    except OSError:
        raise UsageError("the current folder does not exist any more", hint="cd to another one") from None


def _leave_output() -> None:
    """What could not be written is lost; the interpreter must not try it again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
