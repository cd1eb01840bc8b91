"""`agg test`: run test files against workflows, in virtual time and with no effect on the world."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli import options
from aggregator.errors import NotFound, UsageError, nearest

if TYPE_CHECKING:
    from aggregator.testing.coverage import Covered
    from aggregator.testing.session import Verdict

FORMS = ("pretty", "json")


def run_tests(
    paths: Annotated[list[str], typer.Argument(metavar="PATH…", help="Test files, or folders that hold some.")],
    select: Annotated[
        str, typer.Option("-k", metavar="EXPR", help="Only tests whose file and name match, as 'retry and not slow'.")
    ] = "",
    junit: Annotated[str, typer.Option("--junit", metavar="FILE", help="Also write a JUnit XML report.")] = "",
    output: Annotated[str, typer.Option("-o", "--output", metavar="FORM", help="pretty or json.")] = "pretty",
    cover: Annotated[bool, typer.Option("--coverage", help="Tell what of the workflows no test took.")] = False,
    no_color: options.NoColor = False,
) -> int:
    """Run tests of workflows (`*.aggtest.yaml`): no process, request or file, and hours pass in milliseconds."""
    from aggregator.testing.coverage import coverage  # noqa: PLC0415 - they bring the whole engine along
    from aggregator.testing.load import find_files  # noqa: PLC0415
    from aggregator.testing.session import selection, session  # noqa: PLC0415

    if output not in FORMS:
        raise UsageError(f"-o {output} is no form of output", hint=nearest(output, FORMS) or ", ".join(FORMS))
    pretty = _Pretty(options.use_color(no_color))
    show = pretty.verdict if output == "pretty" else lambda _: None
    verdicts = session(find_files(paths), selection(select), show, keep=cover)
    if not verdicts:
        raise NotFound(f"no test matches -k {select!r}" if select else "the files hold no test")
    covered = coverage(v.trial for v in verdicts if v.trial is not None) if cover else []
    if output == "json":
        sys.stdout.write(json.dumps(_document(verdicts, covered), indent=2, ensure_ascii=False) + "\n")
    else:
        pretty.coverage(covered)
        pretty.end(verdicts)
    if junit:
        from aggregator.testing.junit import write_junit  # noqa: PLC0415

        write_junit(verdicts, Path(junit))
    return 0 if all(verdict.passed for verdict in verdicts) else 1


class _Pretty:
    """Writes for people."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def _mark(self, good: bool) -> str:
        word = "PASS" if good else "FAIL"
        return f"\033[{32 if good else 31}m{word}\033[0m" if self.color else word

    def verdict(self, verdict: Verdict) -> None:
        from aggregator.testing.values import shown  # noqa: PLC0415

        title = f"{verdict.file}: {verdict.name}" if verdict.name else verdict.file
        took = f" ({shown(round(verdict.virtual, 3))} of virtual time)" if verdict.virtual else ""
        sys.stdout.write(f"{self._mark(verdict.passed)} {title}{took}\n")
        for problem in verdict.problems:
            sys.stdout.write("".join(f"  {line}\n" for line in problem.splitlines()))
        sys.stdout.flush()

    @staticmethod
    def coverage(covered: list[Covered]) -> None:
        for one in covered:
            taken, total = one.counts()
            sys.stdout.write(f"coverage of {one.workflow}: {taken} of {total}\n")
            for place, words in one.missing():
                sys.stdout.write(f"  {place}: {words}\n")

    @staticmethod
    def end(verdicts: list[Verdict]) -> None:
        failed = sum(not verdict.passed for verdict in verdicts)
        took = sum(verdict.seconds for verdict in verdicts)
        told = f"{len(verdicts) - failed} passed" + (f", {failed} failed" if failed else "")
        sys.stdout.write(f"{told} in {took:.2f} s\n")


def _document(verdicts: list[Verdict], covered: list[Covered]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "passed": sum(verdict.passed for verdict in verdicts),
        "failed": sum(not verdict.passed for verdict in verdicts),
        "tests": [
            {
                "file": verdict.file,
                "name": verdict.name,
                "passed": verdict.passed,
                "seconds": round(verdict.seconds, 4),
                "virtualSeconds": round(verdict.virtual, 6),
                "problems": verdict.problems,
            }
            for verdict in verdicts
        ],
    }
    if covered:
        found["coverage"] = [
            {
                "workflow": one.workflow,
                "taken": one.counts()[0],
                "total": one.counts()[1],
                "missing": [{"place": place, "what": words} for place, words in one.missing()],
            }
            for one in covered
        ]
    return found
