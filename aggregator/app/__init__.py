"""The composition root: documents and settings become a run; nobody else chooses an adapter."""

from aggregator.app.compose import Runner, RunResult, load_machine, load_status
from aggregator.app.following import Follower
from aggregator.app.masking import KeptMasker, load_mask
from aggregator.app.prepare import Prepared, Submission, prepare

__all__ = [
    "Follower",
    "KeptMasker",
    "Prepared",
    "RunResult",
    "Runner",
    "Submission",
    "load_machine",
    "load_mask",
    "load_status",
    "prepare",
]
