"""Every code that a finding may carry, in words: the page docs/lint.md is made from this table."""

from __future__ import annotations

from typing import Final, NamedTuple


class Opinion(NamedTuple):
    """A finding that Argo does not make, or makes only at run time."""

    what: str
    instead: str


OPINIONS: Final[dict[str, Opinion]] = {
    "aggregate-in-env": Opinion(
        "The list of all results of a loop goes into an environment variable or one argument of a command. Linux holds "
        "128 KiB in either; above that the process cannot be started, and a loop passes that limit sooner or later.",
        "Give the list as an artifact (`raw: {data: '{{tasks.NAME.outputs.result}}'}`), or put it into the source of a script.",
    ),
    "api-version": Opinion(
        "The document has another apiVersion than argoproj.io/v1alpha1, or none. It is read here, a cluster refuses it.",
        "Write `apiVersion: argoproj.io/v1alpha1`.",
    ),
    "backoff": Opinion(
        "A backoff without a duration, or with a text that is none. The node would end in Error when it is retried.",
        "Write `duration: 10s`; numbers without a unit are seconds.",
    ),
    "duration-text": Opinion(
        "The duration of a suspend template cannot be read, so the node would end in Error.",
        "Write a number of seconds, or `30s`, `5m`, `1h30m`.",
    ),
    "expression-syntax": Opinion(
        "An expression cannot be parsed. In a `{{=…}}` tag it would fail the node, so `agg run` refuses it; in a condition "
        "it is never true.",
        "Correct it; `agg eval` tries an expression.",
    ),
    "expression-variable": Opinion(
        "An expression mentions a variable that does not exist at this place, and does not guard it by `??` or `?.`.",
        "Correct the name, or write `x ?? 'default'`. Names with `-` need brackets: `tasks['a-b'].outputs.result`.",
    ),
    "ignored-field": Opinion(
        "The field is accepted and has no effect on one machine. docs/compatibility.md says why.",
        "Keep it for the cluster; silence the warning if you like.",
    ),
    "item-outside-loop": Opinion(
        "`{{item}}` stands where nothing loops. It stays as it is, and the container sees the braces.",
        "Add withItems, withParam or withSequence, or remove it.",
    ),
    "later-field": Opinion(
        "The field is read and kept, but its effect is not built yet. docs/compatibility.md says what is missing.",
        "Keep it for the cluster; do not rely on it here.",
    ),
    "lock": Opinion(
        "A lock without a name or key, or the same lock twice in one place: the node would end in Error, or wait forever.",
        "Name each lock once.",
    ),
    "lossy-number": Opinion(
        "Argo reads numbers as 64-bit floating point, which changes this one.",
        "Put it in quotes.",
    ),
    "memoize": Opinion(
        "memoize without a key or cache, or with a maxAge that cannot be read: the node would end in Error.",
        "Give `key`, `cache.configMap.name`, and `maxAge` like `1h`.",
    ),
    "never-valid": Opinion(
        "A bucket, region, ARN, function or queue of AWS is a text that can be none, whatever is there: the first call "
        "would fail, after everything before it was done. Values of parameters are followed to the place of use.",
        "Write the right name; an ARN looks like `arn:aws:sns:us-east-1:123456789012:NAME`.",
    ),
    "no-end": Opinion("withSequence has neither count nor end, so it cannot be expanded.", "Give `count` or `end`."),
    "no-manifest": Opinion("A resource template has nothing to create, apply, replace or patch.", "Give `manifest`."),
    "no-name": Opinion(
        "The document has no metadata.name. A run needs a name, and nobody can refer to a stored template without one.",
        "Write `generateName: NAME-` for a Workflow, `name: NAME` for the others.",
    ),
    "no-url": Opinion("An HTTP request or artifact without a URL.", "Give `url`."),
    "not-a-number": Opinion(
        "A bound of withSequence is no whole number, or the limit or factor of a retryStrategy.",
        "Write a number, or a tag that becomes one.",
    ),
    "not-json-aggregate": Opinion(
        "The results of a loop are put together as a JSON list, so each must be JSON itself. This template prints plain "
        "text: the list cannot be made, and the node that asks for it ends in Error.",
        "Print JSON (`echo '\"text\"'`), or collect an output parameter: `outputs.parameters.NAME` takes any text.",
    ),
    "placeholder": Opinion(
        "A text was not filled in: `AWS_REGION`, `<bucket>`, `your-bucket`. It is an error in the fields that can only hold a "
        "region, a bucket or an ARN, also when a parameter brings it there; elsewhere it is a warning.",
        "Fill it in, or give the parameter with `-p`.",
    ),
    "plain-secret": Opinion(
        "A password, token or key stands in the document as it is.",
        "Keep it in a Secret and use `valueFrom.secretKeyRef`.",
    ),
    "refused-field": Opinion(
        "The field is valid for Argo, but cannot be used on one machine: `agg run` ends with exit code 4.",
        "docs/compatibility.md says why, and what to use instead.",
    ),
    "retired-field": Opinion(
        "A field of Argo v3 that v4 has replaced. It is read as its successor.",
        "`agg convert` rewrites the file.",
    ),
    "retry-never": Opinion(
        "The retry policy can never cover the way in which this kind of template fails. HTTP templates end Failed, never "
        "Error. Steps end Failed. OnTransientError looks for known phrases in the node's message, and the message of a "
        "failed command is its exit code.",
        "Use OnFailure or Always, or an `expression` about `lastRetry.exitCode`.",
    ),
    "spaced-expression": Opinion(
        "`{{ =x }}` is no expression, because a blank stands before the `=`: it is looked up as a variable of that name.",
        "Write `{{=x}}`.",
    ),
    "too-large": Opinion(
        "The document has more than 1 MiB as JSON. A cluster's database takes 1.5 MB including the status of the run.",
        "Split it into stored templates, or keep data in artifacts. It runs here.",
    ),
    "unclosed-tag": Opinion(
        "`{{` without `}}` in the same text. What follows in the document may be taken into the tag.",
        "Close it; to write braces, let an expression make them: `{{='{'+'{'}}`.",
    ),
    "unknown-volume": Opinion(
        "A container mounts a volume that is declared nowhere. A cluster refuses the pod when it is made.",
        "Declare it under `volumes` or `volumeClaimTemplates`.",
    ),
    "unused-parameter": Opinion(
        "An argument or input that nothing mentions, perhaps because of a typo.", "Use or remove it."
    ),
    "unused-template": Opinion("A template of a workflow that nothing reaches.", "Use or remove it."),
    "volume": Opinion("A volume without a name, or two of one name.", "Name each volume once."),
    "when-hyphen": Opinion(
        "In `when`, a word with `-` that is not quoted is a subtraction: `x == a-b` fails or is never true.",
        "Put both sides in quotes: `'{{x}}' == 'a-b'`.",
    ),
    "yaml-duplicate-key": Opinion(
        "A key is given twice in one mapping. It is an error, and with `--no-strict` a warning: the last one counts.",
        "Keep one of them.",
    ),
    "unknown-field": Opinion(
        "A field that Argo does not know: an error, and with `--no-strict` a warning (inside steps always an error).",
        "Correct it; the nearest known name is shown.",
    ),
    "wrong-type": Opinion(
        "A value of the wrong type: an error. With `--no-strict`, a number or boolean where text is expected is a warning.",
        "Put it in quotes, or write the type that is named.",
    ),
}

# Documents that Argo refuses as well. No comment silences these.
ERRORS: Final[dict[str, str]] = {
    "continue-on": "`continueOn` together with `depends`.",
    "cycle": "Tasks or containers wait for each other.",
    "deadline": "A deadline that is not a positive number of seconds.",
    "depends-syntax": "A `depends` text that cannot be read.",
    "digit-name": "A task whose name begins with a digit, where tasks depend on each other.",
    "duplicate-name": "The same name twice in one list.",
    "duration": "`timeout` or `pendingTimeout` that is no duration with a unit.",
    "empty-enum": "An `enum` without a value.",
    "empty-file": "A file without a document.",
    "executor-account": "`automountServiceAccountToken: false` without `executor.serviceAccountName`.",
    "from-in-inputs": "`from` in the inputs of a template; it belongs into the arguments of a call.",
    "executor-plugin": "An executor plugin whose sidecar has no name, image or port.",
    "hook-expression": "A hook other than `exit` without `expression`.",
    "invalid-name": "A name with letters that it may not have, or too long.",
    "invalid-source": "An argument's `valueFrom` with a source that only outputs can have.",
    "leaf-only": "A deadline or timeout on steps or dag.",
    "long-name": "`metadata.name` above 63 letters (cron workflows: 52).",
    "manifest": "A resource's manifest that is no YAML.",
    "metric": "A metric with a bad name or label, without help, or without exactly one value.",
    "missing-kind": "A document without `kind`.",
    "mixed-dependencies": "`depends` and `dependencies` in one DAG.",
    "name-required": "A name is missing.",
    "no-containers": "A containerSet without containers.",
    "no-entrypoint": "A workflow without `entrypoint`.",
    "no-image": "A container without an image.",
    "no-kind": "A template that does nothing: no container, steps, dag, …",
    "no-main": "Inputs or outputs of a containerSet that has no container `main`.",
    "no-path": "An artifact of a container without a path.",
    "no-repo": "A git artifact without a repository.",
    "no-source": "An output or argument without a value or a source.",
    "no-tasks": "A DAG without tasks.",
    "no-value": "An argument without a value.",
    "non-leaf-only": "`parallelism` on a template that is neither steps nor dag.",
    "not-a-loop": "AnySucceeded or AllFailed of a task that is no loop.",
    "not-an-object": "A document that is no mapping.",
    "not-in-enum": "A value that is not one of its enum.",
    "not-supplied": "A call that leaves out an input without a default.",
    "nothing-to-lint": "The paths hold no document that could be checked.",
    "path-here": "A path on an artifact of steps or dag.",
    "path-taken": "Two volumes or artifacts at one path.",
    "pod-resources": "A pod's budget that names no amount, a negative one, or more than its limit.",
    "reserved-name": "A container with a name that Argo uses itself.",
    "resource-action": "A resource's action that does not exist.",
    "retry-policy": "A retryPolicy that does not exist.",
    "schedule": "A cron schedule that is missing or cannot be read.",
    "source-here": "An output whose source this kind of template cannot fill.",
    "strategy": "A policy or strategy that does not exist.",
    "template-required": "A call that does not say which template it calls.",
    "templates-here": "`templates` beside `workflowTemplateRef`.",
    "timezone": "A timezone that does not exist.",
    "two-ends": "withSequence with both `count` and `end`.",
    "two-kinds": "A template with more than one body.",
    "two-loops": "More than one of withItems, withParam, withSequence.",
    "two-sources": "A value or artifact with more than one source.",
    "two-templates": "A call of two templates at once.",
    "unknown-artifact": "`manifestFrom` names an artifact that is no input.",
    "unknown-dependency": "A dependency that does not exist.",
    "unknown-kind": "A kind of document that is not run here.",
    "unknown-target": "A DAG target that does not exist.",
    "unknown-template": "A template or stored template that is in none of the files.",
    "unknown-variable": "A tag names a variable that does not exist at its place.",
    "unreadable": "A file that cannot be read.",
    "yaml-alias": "A YAML alias without its anchor.",
    "yaml-bool-key": "A YAML key that is read as a boolean.",
    "yaml-character": "A character that YAML does not allow.",
    "yaml-encoding": "A file that is not UTF-8 or UTF-16.",
    "yaml-key": "A YAML key that is no text.",
    "yaml-limit": "A document that is too deep, or whose aliases multiply.",
    "yaml-merge": "A YAML merge of something that is no mapping.",
    "yaml-number": "A number that JSON cannot hold.",
    "yaml-syntax": "Text that is no YAML.",
    "yaml-tag": "A YAML tag that is not known.",
}


def render_page() -> str:
    """`docs/lint.md`."""
    lines = [
        "# What `agg lint` finds",
        "",
        "<!-- Made by `python -m aggregator.spec.checks.codes > docs/lint.md`; edit aggregator/spec/checks/codes.py instead. -->",
        "",
        "`agg lint PATH…` says everything that is wrong with all documents of all files, in one go, without the network.",
        "Exit code 1 means that there is an error; warnings leave it 0.",
        "",
        "A comment on the line, or alone on the line above, silences a warning of that code (and the errors `placeholder`",
        "and `never-valid`):",
        "",
        "```yaml",
        'when: "{{inputs.parameters.n}} > a-b"  # agg: ignore[when-hyphen]',
        "# agg: ignore[plain-secret, unused-parameter]",
        "- name: token",
        "```",
        "",
        "## Opinions",
        "",
        "Argo takes these documents; they bite when they run.",
        "",
    ]
    for code, opinion in sorted(OPINIONS.items()):
        lines += [f"### {code}", "", opinion.what, "", f"*Instead:* {opinion.instead}", ""]
    lines += ["## Errors", "", "Argo refuses these too.", "", "| code | what is wrong |", "|---|---|"]
    lines += [f'| <a id="{code}"></a>`{code}` | {what} |' for code, what in sorted(ERRORS.items())]
    return "\n".join(lines) + "\n"


def main() -> None:
    print(render_page(), end="")  # noqa: T201 - this file is also the generator of the page


if __name__ == "__main__":  # pragma: no cover - the line below is all there is
    main()
