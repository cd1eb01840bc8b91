"""Checks and tests, each in its own environment: `nox` runs them all."""

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "pure", "tests"]

PURE = ["tests/unit"]
DEV = ["--no-compile", "-e", ".[dev]"]
"""Compiling all of the libraries takes longer than fetching them; most are never imported."""
PURE_HALF = ["kinds", "engine", "plan", "spec", "lang", "settings", "errors", "source"]


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Style, formatting and import layers."""
    session.install("--no-compile", "-e", ".", "ruff", "import-linter")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """Strict types of the package."""
    session.install(*DEV)
    session.run("mypy")


@nox.session(python=["3.12", "3.13"])
def pure(session: nox.Session) -> None:
    """The pure half (kinds and below) on the newer Pythons."""
    session.install(
        "--no-compile", "-e", ".[crypto,jq]", "pytest", "pytest-timeout", "hypothesis", "pytest-xdist", "jsonschema"
    )
    session.run("pytest", "-q", "-n", "2", *PURE)


@nox.session(python="3.11")
def covered(session: nox.Session) -> None:
    """Every branch of the pure half is taken by its own tests; what is not is listed with its lines."""
    session.install(*DEV)
    gate(session)


def gate(session: nox.Session) -> None:
    """Apart from the whole suite, so that no other test counts and none is slowed down by being measured."""
    packages = [f"--cov=aggregator.{name}" for name in PURE_HALF]
    options = ["--cov-branch", "--cov-fail-under=100", "--cov-report=term-missing:skip-covered"]
    # Some branches are taken by random tests alone: with a seed, every run takes the same ones.
    session.run("pytest", "-q", "-n", "2", "--hypothesis-seed=1", *PURE, *packages, *options)


@nox.session(python="3.11")
def tests(session: nox.Session) -> None:
    """The whole suite on the oldest supported Python, then the branches of the pure half; `nox -s tests -- PATH` for a part."""
    session.install(*DEV)
    session.run("pytest", "-n", "2", "--dist", "worksteal", "--durations=25", *session.posargs)
    if not session.posargs:
        gate(session)
