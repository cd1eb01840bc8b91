"""The composition root: documents and settings become a run; nobody else chooses an adapter."""

from aggregator.app.compose import Runner, RunResult, load_machine, load_status
from aggregator.app.prepare import Prepared, Submission, prepare

__all__ = ["Prepared", "RunResult", "Runner", "Submission", "load_machine", "load_status", "prepare"]
