"""Reads ordinary command lines by a function's typer annotations alone; everything else is left to typer.

Typer's own parser imports pydantic, which takes longer than most commands. So a line of flags, values and words that fit is
read here, and typer gets those that ask for help, hold a mistake, or use what is not read here: its words, not ours, are shown.
"""

from __future__ import annotations

import inspect
from enum import StrEnum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SHOWN_ONLY = frozenset({"default", "param_decls", "metavar", "help", "hidden", "show_default"})
"""What typer's annotations may say without changing how a value is read."""


class _Parameter:
    """One parameter of a function: where its value stands on the line, and of which kind it is."""

    __slots__ = ("default", "flags", "kind", "many", "name", "positional")

    def __init__(self, name: str, annotation: Any, default: Any) -> None:
        if get_origin(annotation) is not Annotated:
            raise _NotPlainError
        kind, info = get_args(annotation)[:2]
        if get_origin(kind) in (Union, UnionType):
            kind = next(part for part in get_args(kind) if part is not NoneType)
        self.many = get_origin(kind) is list
        self.kind = get_args(kind)[0] if self.many else kind
        self.name = name
        self.default = default
        self.positional = isinstance(info, ArgumentInfo)
        usual = vars(typer.Argument() if self.positional else typer.Option())
        choice = isinstance(self.kind, type) and issubclass(self.kind, StrEnum)
        if not (choice or self.kind in (str, int, bool)) or (self.many and self.kind is not str):
            raise _NotPlainError
        if any(value != usual[key] for key, value in vars(info).items() if key not in _SHOWN_ONLY):
            raise _NotPlainError
        self.flags: dict[str, bool] = {}
        """Names of flags; those that switch something off are False."""
        if isinstance(info, OptionInfo):
            for text in (info.default, *(info.param_decls or ())):
                on, off, _ = [*str(text).split("/"), "", ""][:3]
                if not on.startswith("-") or (off and self.kind is not bool):
                    raise _NotPlainError
                self.flags |= {name: name == on for name in (on, off) if name}

    def read(self, text: str) -> Any:
        if self.kind is str:
            return text
        if self.kind is not int:
            if text not in list(self.kind):
                raise _NotPlainError
            return self.kind(text)
        if not (text.isascii() and text.isdecimal()):
            raise _NotPlainError
        return int(text)

    def otherwise(self) -> Any:
        """Its value on a line that does not have it."""
        if self.default is inspect.Parameter.empty:
            raise _NotPlainError
        return [*self.default] if isinstance(self.default, list) else self.default


class _NotPlainError(Exception):
    """Typer is to read this line."""


class PlainLine:
    """How the lines of one command are read. `flags` are the names of its flags."""

    def __init__(self, parameters: list[_Parameter]) -> None:
        self._parameters = parameters
        self._by_flag = {flag: parameter for parameter in parameters for flag in parameter.flags}
        self.flags = frozenset(self._by_flag)

    def read(self, arguments: Sequence[str]) -> dict[str, Any] | None:
        """The values of the function's parameters, or None where typer has to look at the line."""
        try:
            return self._values(arguments)
        except _NotPlainError:
            return None

    def _values(self, arguments: Sequence[str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        words: list[str] = []
        waiting = iter(arguments)
        for argument in waiting:
            if not argument.startswith("-") or argument == "-":
                words.append(argument)
                continue
            name, equals, text = argument.partition("=")
            parameter = self._by_flag.get(name)
            if parameter is None or (equals and (parameter.kind is bool or not name.startswith("--"))):
                raise _NotPlainError
            if parameter.kind is bool:
                values[parameter.name] = parameter.flags[name]
                continue
            if not equals:
                text = next(waiting, "-")
                if text.startswith("-"):
                    raise _NotPlainError
            _give(values, parameter, text)
        _place(values, [parameter for parameter in self._parameters if parameter.positional], words)
        for parameter in self._parameters:
            if parameter.name not in values:
                values[parameter.name] = parameter.otherwise()
        return values


def plain_line(function: Callable[..., Any]) -> PlainLine | None:
    """The reader of a function's lines; None where some of its parameters need typer."""
    try:
        hints = get_type_hints(function, include_extras=True)
        signature = inspect.signature(function)
        return PlainLine([_Parameter(n, hints.get(n), p.default) for n, p in signature.parameters.items()])
    except _NotPlainError:
        return None


def _give(values: dict[str, Any], parameter: _Parameter, text: str) -> None:
    if parameter.many:
        values.setdefault(parameter.name, []).append(parameter.read(text))
    else:
        values[parameter.name] = parameter.read(text)


def _place(values: dict[str, Any], places: list[_Parameter], words: list[str]) -> None:
    """Words go to arguments in order; a list, which must be the last, takes the rest."""
    if any(parameter.many for parameter in places[:-1]) or (
        len(words) > len(places) and not (places and places[-1].many)
    ):
        raise _NotPlainError
    for index, parameter in enumerate(places):
        for text in words[index:] if parameter.many else words[index : index + 1]:
            _give(values, parameter, text)
