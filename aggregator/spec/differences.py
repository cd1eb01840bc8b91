"""Where a run here is meant to differ from Argo's, row by row: the hand-kept half of the compatibility page."""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class Difference(Struct, frozen=True):
    """One intended difference; `undo` tells how to get Argo's way, where one can."""

    topic: str
    argo: str
    here: str
    undo: str = ""


DIFFERENCES: Final = (
    Difference(
        "parallelism and HTTP templates",
        "requests run in an agent pod and do not count",
        "HTTP leaves count too; the smaller of parallelism and --http-concurrency rules",
        "--strict-argo",
    ),
    Difference(
        "order of what waits under a parallelism limit",
        "each pass looks through tasks in order, so that the retry of an early task overtakes later ones that wait",
        "first come, first served: nothing waits for ever behind retries",
    ),
    Difference(
        "OnTransientError after an HTTP answer",
        "only messages of known transient errors count",
        "the answers 408, 425, 429, 500, 502, 503 and 504 count too, and Retry-After is honoured",
        "--strict-argo",
    ),
    Difference(
        "failFast of a dag, when true",
        "stops no branch that runs already, and starts independent ones, though its name says otherwise",
        "the same, on purpose",
    ),
    Difference(
        "{{item.k}} of text with escapes",
        "JSON's escapes stay in the text",
        "the text itself is inserted",
    ),
    Difference("withSequence with a negative count", "counts down", "is an error"),
    Difference(
        "loops whose members print something else than JSON",
        "the loop ends in Error",
        "the same, and the message names the member and its output",
    ),
    Difference(
        "a reference to an output that nothing will ever give",
        "the workflow waits for ever",
        "the node ends in Error at once, and the message says what is missing",
    ),
    Difference(
        "{{ =x }} with a blank before the equals sign",
        "is a simple tag named `=x`",
        "the same, with a warning by agg lint",
    ),
    Difference("control characters in tags inside quotes", "are quoted as Go does", "are quoted as JSON does"),
    Difference(
        "values that hold tags themselves",
        "are expanded again by a later pass",
        "are never scanned again: what a leaf printed can't inject a tag",
    ),
    Difference(
        "{{=...}} with an error in it",
        "is left as it stands",
        "is an Error after the last pass in which it could be filled",
    ),
    Difference("a list or map as a parameter's value", "becomes the empty text", "is an error"),
    Difference("results of expressions that are lists or maps", "are printed in Go's own form", "are JSON text"),
    Difference("retryStrategy with a backoff but no limit", "does not wait", "waits as the backoff says"),
    Difference("{{=...}} in retryStrategy.expression", "fails", "is accepted; the bare form too"),
    Difference(
        "timeout beside a longer activeDeadlineSeconds",
        "timeout replaces it",
        "whichever comes first ends the leaf",
    ),
    Difference(
        "failFast of a template with parallelism",
        "a failed attempt that will be tried again triggers it already",
        "only a node that failed for good does",
    ),
    Difference(
        "retry of a finished workflow",
        "leaves failed suspend nodes and nodes in Error of type Skipped alone",
        "runs them again too",
    ),
    Difference(
        "resubmit --memoized of a workflow with loops",
        "breaks the aggregated outputs",
        "a skipped node with outputs counts as succeeded",
    ),
    Difference(
        "arguments of hooks that use no outputs",
        "are not filled",
        "are always filled",
    ),
    Difference("annotations in a cron workflow's expressions", "hold the labels", "hold the annotations"),
    Difference(
        "retired fields of Argo v3 (schedule, mutex, semaphore, ...)",
        "are unknown fields",
        "are read as their successors, with a warning; `agg convert` rewrites them",
    ),
    Difference(
        "a key that is also merged in by <<",
        "counts as given twice when strict; the merged one wins when not",
        "the key that is written there wins, as the YAML rule says",
    ),
    Difference(
        "unknown fields inside Kubernetes' own parts (volumes, affinity, probes, ...)",
        "are refused when strict",
        "are carried as given",
    ),
    Difference(
        "documents nested more than 100 levels deep",
        "are read",
        "are refused, as are aliases that expand to more than 400,000 values",
    ),
    Difference(
        "secrets and ConfigMaps that are missing",
        "a pod waits for them for ever",
        "the node ends in Error at once",
    ),
)
