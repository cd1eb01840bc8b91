"""Image rules: which program of this host stands in for an image that a leaf names."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from aggregator.errors import Unsupported, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_REGISTRY = re.compile(r"^(?:[^/]*[.:][^/]*|localhost)/")
_DIGEST = re.compile(r"@[a-z0-9]+:[0-9a-f]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRule:
    """What an image that matches `pattern` is on this host.

    `entrypoint` is what the image runs in front of the leaf's arguments: None is unknown (the leaf must say `command`),
    empty is known to be nothing. `default` are the arguments when the leaf gives none. `wrapper` runs arguments that begin
    with an option or name no program, as the entry scripts of the usual language images do. `path` are folders put before
    PATH, `programs` names that are looked up here when PATH lacks them, `env` variables that the YAML may override.
    """

    pattern: str
    entrypoint: tuple[str, ...] | None = None
    path: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    default: tuple[str, ...] = ()
    wrapper: tuple[str, ...] = ()
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_OURS = (os.path.dirname(sys.executable),)
_PYTHON = {"python": (sys.executable,), "python3": (sys.executable,), "pip": (sys.executable, "-m", "pip")}
_ASH = {"ash": ("sh",)}
_SYSTEMS = (
    "debian ubuntu fedora centos almalinux rockylinux amazonlinux archlinux buildpack-deps golang google/cloud-sdk"
)
_TOOLS = {
    "alpine/curl": "curl",
    "alpine/git": "git",
    "bitnami/kubectl": "kubectl",
    "hashicorp/terraform": "terraform",
    "jqlang/jq": "jq",
    "mikefarah/yq": "yq",
    "stedolan/jq": "jq",
}

BUILT_IN: tuple[ImageRule, ...] = (
    ImageRule(pattern="python", entrypoint=(), default=("python3",), path=_OURS, programs=_PYTHON),
    ImageRule(pattern="amazon/aws-cli", entrypoint=("aws",), path=_OURS),
    ImageRule(pattern="aws-cli/aws-cli", entrypoint=("aws",), path=_OURS),
    ImageRule(pattern="alpine", entrypoint=(), default=("sh",), programs=_ASH),
    ImageRule(pattern="busybox", entrypoint=(), default=("sh",), programs=_ASH),
    ImageRule(pattern="bash", entrypoint=(), default=("bash",), wrapper=("bash",)),
    ImageRule(pattern="node", entrypoint=(), default=("node",), wrapper=("node",)),
    ImageRule(pattern="php", entrypoint=(), default=("php",), wrapper=("php",)),
    ImageRule(pattern="perl", entrypoint=(), default=("perl",)),
    ImageRule(pattern="ruby", entrypoint=(), default=("irb",)),
    ImageRule(pattern="curlimages/curl", entrypoint=(), default=("curl",), wrapper=("curl",)),
    ImageRule(pattern="docker/whalesay", entrypoint=()),
    *(ImageRule(pattern=image, entrypoint=(program,)) for image, program in _TOOLS.items()),
    *(ImageRule(pattern=image, entrypoint=(), default=("bash",)) for image in _SYSTEMS.split()),
)
"""The usual public images, by their names without tag, so that any tag matches."""


def spellings(image: str) -> tuple[str, ...]:
    """Every way to write the image that a pattern may match: with and without registry, `library/`, tag and digest."""
    plain = _DIGEST.sub("", image)
    local = _REGISTRY.sub("", plain).removeprefix("library/")
    names = [image, plain, local]
    for text in (plain, local):
        head, colon, tail = text.rpartition(":")
        names.append(head if colon and "/" not in tail else f"{text}:latest")
    return tuple(dict.fromkeys(names))


def _matches(pattern: str, names: Sequence[str]) -> bool:
    if not any(sign in pattern for sign in "*?["):  # as all built-in ones; a pattern costs the compilation of a regex
        return pattern in names
    return any(fnmatchcase(name, pattern) for name in names)


class Images:
    """The rules in force: the user's in their order, then the built-in ones; what one leaves open, the next may say."""

    def __init__(self, rules: Sequence[ImageRule] = ()) -> None:
        self._rules = (*rules, *BUILT_IN)
        self._found: dict[str, ImageRule] = {}

    def rule(self, image: str) -> ImageRule:
        """All rules that match the image as one, earlier ones first; without any match, a rule that knows nothing."""
        if image not in self._found:
            names = spellings(image)
            found = ImageRule(pattern=image)
            for rule in self._rules:
                if _matches(rule.pattern, names):
                    found = _merged(found, rule)
            self._found[image] = found
        return self._found[image]

    def arguments(
        self, image: str, command: Sequence[str], args: Sequence[str], exists: Callable[[str], bool]
    ) -> list[str]:
        """The command line of a container: its own command, else the image's entrypoint as the rules know it.

        `exists` tells whether a name is a program of the host.
        """
        if command:
            return [*command, *args]
        rule = self.rule(image)
        if rule.entrypoint is None:
            close = nearest(spellings(image)[-1], [r.pattern for r in self._rules if r.entrypoint is not None])
            raise Unsupported(
                f"image {image!r} has no command in the template, and no rule says what it would run on this host",
                hint=f"give the template a command, or add to the settings: {rule_to_add(image)}"
                + (f" ({close})" if close else ""),
            )
        line = [*rule.entrypoint, *(args or rule.default)]
        if not line:
            raise Unsupported(
                f"image {image!r} runs nothing by itself, and the template gives neither command nor args",
                hint=f"give the template a command, or add to the settings: {rule_to_add(image)}",
            )
        if rule.wrapper and args and (args[0].startswith("-") or not exists(args[0])):
            return [*rule.wrapper, *args]
        return line


def rule_to_add(image: str, key: str = 'entrypoint = ["PROGRAM"]') -> str:
    """The lines of the settings that would teach us the image."""
    return f'[process.images."{image}"] {key}'


def _merged(first: ImageRule, second: ImageRule) -> ImageRule:
    known = first if first.entrypoint is not None else second
    return ImageRule(
        pattern=first.pattern,
        entrypoint=known.entrypoint,
        default=known.default,
        wrapper=known.wrapper,
        path=(*first.path, *second.path),
        env={**second.env, **first.env},
        programs={**second.programs, **first.programs},
    )
