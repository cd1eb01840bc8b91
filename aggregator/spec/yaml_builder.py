"""Builds documents from PyYAML's event stream: values, their places, anchors, merges, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml
from msgspec import Struct

from aggregator.errors import Diagnostic
from aggregator.source import Span
from aggregator.spec.positions import HALF, LOW, Document, MapNode, Node, Parsed, SeqNode
from aggregator.spec.scalars import NOT_FINITE, key_text, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.source import Source

MAX_DEPTH: Final = 100
MAX_ALIASED: Final = 400_000  # nodes that aliases may add, as many as go-yaml lets pass unasked
# First characters of unquoted scalars that may be something else than text.
_OTHER_STARTS: Final = frozenset(("", *"0123456789+-.yYnNtTfFoO~"))
_TAG: Final = "tag:yaml.org,2002:"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Stop(Exception):  # noqa: N818 - ends the reading of one stream, never leaves this file
    def __init__(self, diagnostic: Diagnostic, at: int) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic
        self.at = at


class _MergeKey(str):
    """The unquoted key `<<`; it is told from a quoted one by identity."""

    __slots__ = ()


_MERGE: Final = _MergeKey("<<")


class _Frame:
    """A container that is being read. `size` and `depth` are those of what it holds, for the limits on aliases."""

    __slots__ = (
        "anchor",
        "children",
        "depth",
        "is_map",
        "key",
        "key_place",
        "keys",
        "merges",
        "size",
        "start",
        "value",
    )

    def __init__(self, start: int, anchor: str | None, is_map: bool) -> None:
        self.start = start
        self.anchor = anchor
        self.is_map = is_map
        self.keys: Any = {} if is_map else None
        self.value: Any = {} if is_map else []
        self.children: Any = {} if is_map else []
        self.key: str | None = None
        self.key_place = -1
        self.merges: list[tuple[Any, Node, int]] | None = None
        self.size = 1
        self.depth = 1


class _Anchored(Struct, frozen=True):
    value: Any
    node: Node
    size: int
    depth: int


class Builder:
    """Reads one stream of events into documents of `parsed`."""

    def __init__(
        self, source: Source, text: str, start: int, offset_of: Callable[[int], int] | None, parsed: Parsed
    ) -> None:
        self.source = source
        self.text = text
        self.start = start
        self.offset_of = offset_of
        self.parsed = parsed
        self.stack: list[_Frame] = []
        self.anchors: dict[str, _Anchored] = {}
        self.open_anchors: set[str] = set()
        self.usual_keys: dict[str, str] = {}
        self.aliased = 0

    def run(self) -> int | None:
        """Offset at which the stream broke, or None when it was read to its end."""
        try:
            self._events()
        except _Stop as stop:
            self.parsed.diagnostics.append(stop.diagnostic)
            return stop.at
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = self.start + (mark.index if mark else 0)
            self.parsed.diagnostics.append(self._syntax(error, at))
            return at
        except yaml.reader.ReaderError as error:
            at = self._bad_character(int(error.position))
            problem = f"character U+{ord(self.text[at]):04X} is not allowed in YAML"
            self._report("yaml-character", problem, at, at + 1, hint="remove it, or write it as an escape in quotes")
            return at
        except UnicodeEncodeError as error:
            at = self.start + error.start
            problem = f"character U+{ord(self.text[at]):04X} is half of a pair and stands alone"
            self._report("yaml-character", problem, at, at + 1, hint="save the file as UTF-8")
            return at
        return None

    def _events(self) -> None:
        loader = _LOADER(self.text[self.start :] if self.start else self.text)
        try:
            self._loop(loader.get_event)
        finally:
            loader.dispose()

    def _loop(self, get_event: Callable[[], Any]) -> None:
        """The hot loop: three hundred thousand rounds for a big file, so common scalars are handled in place."""
        base, moved = self.start, self.offset_of
        scalar_event, words, usual_keys = yaml.ScalarEvent, _OTHER_STARTS, self.usual_keys
        stack = self.stack
        while True:
            event = get_event()
            kind = type(event)
            start, end = event.start_mark.index + base, event.end_mark.index + base
            if moved is not None:
                start, end = moved(start), moved(end)
            if kind is not scalar_event:
                if self._structure(event, start, end):
                    return
                continue
            text = event.value
            place = start << HALF | end
            if stack:
                frame = stack[-1]
                if frame.is_map and frame.key is None:
                    known = usual_keys.get(text)
                    if known is not None and event.tag is None and event.anchor is None:
                        frame.key, frame.key_place = known, place
                    else:
                        self._key(event, text, place)
                    continue
                if event.tag is None and event.anchor is None:
                    value = text
                    if event.implicit[0] and text[:1] in words:
                        value = self._plain(text, start, end)
                    frame.size += 1
                    if not frame.is_map:
                        frame.value.append(value)
                        frame.children.append(place)
                        continue
                    key = frame.key
                    if key not in frame.keys and key is not _MERGE:
                        frame.value[key] = value
                        frame.keys[key] = frame.key_place
                        frame.children[key] = place
                        frame.key = None
                        continue
                    frame.size -= 1
                    self._add(value, place)
                    continue
            if event.tag is not None:
                value = self._tagged(event.tag, text, start, end)
            else:
                value = self._plain(text, start, end) if event.implicit[0] else text
            if event.anchor:
                self.anchors[event.anchor] = _Anchored(value, place, 1, 0)
            self._add(value, place)

    def _structure(self, event: Any, start: int, end: int) -> bool:
        """Any event but a scalar; true at the end of the stream."""
        kind = type(event)
        if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._open(event, start, end, is_map=kind is yaml.MappingStartEvent)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._close(end)
        elif kind is yaml.AliasEvent:
            self._alias(event.anchor, start, end)
        elif kind is yaml.DocumentStartEvent:
            self.anchors.clear()
            self.aliased = 0
        return kind is yaml.StreamEndEvent

    def _plain(self, text: str, start: int, end: int) -> Any:
        value = plain(text)
        if value is text and text in NOT_FINITE:
            self._report("yaml-number", f"{text} is not a number that JSON can hold", start, end)
        return value

    # ------------------------------------------------------------ building

    def _add(self, value: Any, node: Node, size: int = 1, depth: int = 0) -> None:
        if not self.stack:
            self.parsed.documents.append(Document(self.source, value, node))
            return
        frame = self.stack[-1]
        frame.size += size
        frame.depth = max(frame.depth, depth + 1)
        if not frame.is_map:
            frame.value.append(value)
            frame.children.append(node)
            return
        key, frame.key = frame.key, None
        assert key is not None
        if key is _MERGE:
            frame.merges = [*(frame.merges or ()), (value, node, frame.key_place)]
            return
        first = frame.keys.get(key)
        if first is not None:
            self._duplicate(key, frame.key_place, first)
        frame.value[key] = value
        frame.keys[key] = frame.key_place
        frame.children[key] = node

    def _key(self, event: Any, text: str, place: int) -> None:
        frame = self.stack[-1]
        frame.key_place = place
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(text, place, 1, 0)
        start, end = place >> HALF, place & LOW
        if event.tag is None and not event.implicit[0]:
            frame.key = text
            return
        if event.tag is None and text[:1] not in _OTHER_STARTS and text != "<<":
            self.usual_keys[text] = frame.key = text
            return
        if text == "<<" and event.tag in (None, f"{_TAG}merge"):
            frame.key = _MERGE
            return
        value = plain(text) if event.tag is None else self._tagged(event.tag, text, start, end)
        if isinstance(value, bool):
            frame.key = "true" if value else "false"
            if text not in ("true", "false"):
                self._report(
                    "yaml-bool-key",
                    f"the key {text} is read as {frame.key}, as YAML 1.1 and Argo do",
                    start,
                    end,
                    hint=f'put it in quotes: "{text}"',
                    severity="warning",
                )
        elif isinstance(value, float):
            frame.key = key_text(value)
        elif value is None:
            self._report("yaml-key", "a key may not be null", start, end, hint='put it in quotes, even the empty ""')
            frame.key = text
        else:
            frame.key = str(value)

    def _open(self, event: Any, start: int, end: int, *, is_map: bool) -> None:
        stack = self.stack
        if len(stack) >= MAX_DEPTH:
            problem = f"nested more than {MAX_DEPTH} levels deep"
            raise _Stop(self._diagnostic("yaml-limit", problem, start, end), start)
        if stack and stack[-1].is_map and stack[-1].key is None:
            hint = ""
            if "{{" in (self.text[event.start_mark.index + self.start - 1 :][:2], self.text[start:][:2]):
                hint = "text that begins with {{ must be in quotes: '{{…}}'"
            raise _Stop(self._diagnostic("yaml-key", "a mapping or list can't be a key", start, end, hint), start)
        if event.anchor:
            self.open_anchors.add(event.anchor)
        stack.append(_Frame(start, event.anchor, is_map))

    def _close(self, end: int) -> None:
        frame = self.stack.pop()
        place = frame.start << HALF | end
        node: Node
        if frame.is_map:
            for value, merged, key_place in frame.merges or ():
                self._merge(frame, value, merged, key_place)
            node = MapNode(place, frame.keys, frame.children)
        else:
            node = SeqNode(place, frame.children)
        if frame.anchor:
            self.open_anchors.discard(frame.anchor)
            self.anchors[frame.anchor] = _Anchored(frame.value, node, frame.size, frame.depth)
        self._add(frame.value, node, frame.size, frame.depth)

    def _alias(self, anchor: str, start: int, end: int) -> None:
        found = self.anchors.get(anchor)
        if found is None:
            problem = f"alias *{anchor} has no anchor &{anchor} before it"
            if anchor in self.open_anchors:
                problem = f"anchor &{anchor} contains itself"
            raise _Stop(self._diagnostic("yaml-alias", problem, start, end), start)
        self.aliased += found.size
        if self.aliased > MAX_ALIASED or len(self.stack) + found.depth > MAX_DEPTH:
            problem = f"aliases expand to more than {MAX_ALIASED} values or {MAX_DEPTH} levels"
            raise _Stop(self._diagnostic("yaml-limit", problem, start, end), start)
        if self.stack and self.stack[-1].is_map and self.stack[-1].key is None:
            if not isinstance(found.value, str):
                raise _Stop(self._diagnostic("yaml-key", "a key must be text", start, end), start)
            self.stack[-1].key, self.stack[-1].key_place = found.value, start << HALF | end
            return
        self._add(found.value, found.node, found.size, found.depth)

    def _merge(self, frame: _Frame, value: Any, node: Node, key_place: int) -> None:
        """`<<`: keys that are written here win, then the first of the list."""
        parts = [(value, node)]
        if isinstance(value, list) and isinstance(node, SeqNode):
            parts = list(zip(value, node.children, strict=True))
        for mapping, places in parts:
            if not isinstance(mapping, dict) or not isinstance(places, MapNode):
                problem = "<< merges a mapping or a list of mappings"
                self._report("yaml-merge", problem, key_place >> HALF, key_place & LOW)
                return
            for key, item in mapping.items():
                if key not in frame.value:
                    frame.value[key] = item
                    frame.keys[key] = places.keys[key]
                    frame.children[key] = places.children[key]

    def _tagged(self, tag: str, text: str, start: int, end: int) -> Any:
        name = tag.removeprefix(_TAG)
        if name in ("str", "!", "timestamp") or not tag.startswith(_TAG):
            return text
        if name == "binary":
            return self._binary(text, start, end)
        value = plain(text)
        fits = {
            "bool": isinstance(value, bool),
            "int": isinstance(value, int) and not isinstance(value, bool),
            "float": isinstance(value, int | float) and not isinstance(value, bool),
            "null": value is None,
        }
        if not fits.get(name, True):
            self._report("yaml-tag", f"{text!r} is not a !!{name}", start, end)
        return value if name in fits else text

    def _binary(self, text: str, start: int, end: int) -> str:
        from base64 import b64decode  # noqa: PLC0415 - !!binary is rare

        try:
            return b64decode(text, validate=False).decode()
        except ValueError:
            self._report("yaml-tag", "!!binary is not base64 of UTF-8 text", start, end)
            return text

    # ----------------------------------------------------------- reporting

    def _diagnostic(self, code: str, message: str, start: int, end: int, hint: str = "") -> Diagnostic:
        return Diagnostic(code, message, Span(self.source, start, max(end, start + 1)), hint)

    def _report(
        self, code: str, message: str, start: int, end: int, *, hint: str = "", severity: str = "error"
    ) -> None:
        span = Span(self.source, start, max(end, start + 1))
        if severity == "warning":
            self.parsed.diagnostics.append(Diagnostic(code, message, span, hint, "warning"))
        else:
            self.parsed.diagnostics.append(Diagnostic(code, message, span, hint))

    def _duplicate(self, key: str, place: int, first: int) -> None:
        here = Span(self.source, place >> HALF, place & LOW)
        there = Span(self.source, first >> HALF, first & LOW)
        message = f"the key {key!r} is given twice in the same mapping"  # the second one counts, as in Argo
        notes = ((there, "first given here"),)
        self.parsed.diagnostics.append(Diagnostic("yaml-duplicate-key", message, here, "keep one of them", notes=notes))

    def _bad_character(self, position: int) -> int:
        """Offset of the character that the reader refused; libyaml counts bytes of UTF-8."""
        data = self.text[self.start :].encode("utf-8", "replace")
        at = self.start + len(data[:position].decode("utf-8", "ignore"))
        return min(at, len(self.text) - 1)

    def _syntax(self, error: yaml.MarkedYAMLError, at: int) -> Diagnostic:
        text, hint = self.text, ""
        place = at if self.offset_of is None else self.offset_of(at)
        character = text[at] if at < len(text) else ""
        problem = str(error.problem or error.context or "not valid YAML")
        if character == "\t":
            problem, hint = "a tab can't indent YAML", "use spaces"
        elif at >= len(text):
            problem = f"the text ends too early: {problem}"
        elif character in "@`%" and "cannot start any token" in problem:
            problem, hint = f"text can't begin with {character}", "put it in quotes"
        elif "mapping values are not allowed" in problem:
            hint = "text that holds ': ' must be in quotes; or this line is indented too far"
        elif "did not find expected key" in problem or "block" in problem:
            hint = "check the indentation of this line and the one above"
        elif "expected ':'" in problem:
            hint = "a key must be followed by a colon and a space"
        notes: tuple[tuple[Span, str], ...] = ()
        if error.context and error.context_mark and error.context_mark.index + self.start != at:
            began = error.context_mark.index + self.start
            notes = ((Span(self.source, began, began + 1), str(error.context)),)
        return Diagnostic("yaml-syntax", problem, Span(self.source, place, place + 1), hint, notes=notes)
