"""Checks and tests, each in its own environment: `nox` runs them all."""

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "pure", "covered", "tests"]

PURE = ["tests/unit"]
PURE_HALF = ["kinds", "engine", "plan", "spec", "lang", "settings", "errors", "source"]


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Style, formatting and import layers."""
    session.install("-e", ".", "ruff", "import-linter")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """Strict types of the package."""
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session(python=["3.12", "3.13"])
def pure(session: nox.Session) -> None:
    """The pure half (kinds and below) on the newer Pythons."""
    session.install("-e", ".[crypto,jq]", "pytest", "pytest-timeout", "hypothesis", "pytest-xdist", "jsonschema")
    session.run("pytest", "-q", "-n", "2", *PURE)


@nox.session(python="3.11")
def covered(session: nox.Session) -> None:
    """Every branch of the pure half is taken by its own tests; what is not is listed with its lines.

    Apart from the whole suite, so that no other test counts and none is slowed down by being measured.
    """
    session.install("-e", ".[dev]")
    packages = [f"--cov=aggregator.{name}" for name in PURE_HALF]
    gate = ["--cov-branch", "--cov-fail-under=100", "--cov-report=term-missing:skip-covered"]
    # Some branches are taken by random tests alone: with a seed, every run takes the same ones.
    session.run("pytest", "-q", "-n", "2", "--hypothesis-seed=1", *PURE, *packages, *gate, *session.posargs)


@nox.session(python="3.11")
def tests(session: nox.Session) -> None:
    """The whole suite on the oldest supported Python."""
    session.install("-e", ".[dev]")
    session.run("pytest", "-n", "2", "--durations=25", *session.posargs)
