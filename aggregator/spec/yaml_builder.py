"""Builds documents from PyYAML's event stream: values, their places, anchors, merges, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from aggregator.spec.positions import HALF, LOW, Document, MapNode, Node, Parsed, SeqNode
from aggregator.spec.scalars import NOT_FINITE, NUMBER_STARTS, WORDS, key_text, plain, tagged
from aggregator.spec.yaml_frames import MERGE, Anchored, Frame
from aggregator.spec.yaml_mistakes import Mistakes

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.errors import Diagnostic
    from aggregator.source import Source

MAX_DEPTH: Final = 100
MAX_ALIASED: Final = 400_000  # nodes that aliases may add, as many as go-yaml lets pass unasked
_MERGE_TAG: Final = "tag:yaml.org,2002:merge"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Stop(Exception):  # noqa: N818 - ends the reading of one stream, never leaves this file
    def __init__(self, diagnostic: Diagnostic, at: int) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic
        self.at = at


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
        self.mistakes = Mistakes(source, text, start, offset_of, parsed.diagnostics)
        self.stack: list[Frame] = []
        self.anchors: dict[str, Anchored] = {}
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
            self.parsed.diagnostics.append(self.mistakes.syntax(error, at))
            return at
        except yaml.reader.ReaderError as error:
            at = self.mistakes.bad_character(int(error.position))
            problem = f"character U+{ord(self.text[at]):04X} is not allowed in YAML"
            self.mistakes.report(
                "yaml-character", problem, at, at + 1, hint="remove it, or write it as an escape in quotes"
            )
            return at
        except UnicodeEncodeError as error:
            at = self.start + error.start
            problem = f"character U+{ord(self.text[at]):04X} is half of a pair and stands alone"
            self.mistakes.report("yaml-character", problem, at, at + 1, hint="save the file as UTF-8")
            return at
        return None

    def _events(self) -> None:
        loader = _LOADER(self.text[self.start :] if self.start else self.text)
        try:
            self._loop(loader.get_event)
        finally:
            loader.dispose()

    def _loop(self, get_event: Callable[[], Any]) -> None:
        """The hot loop: half a million rounds for a big file, so what is common is handled in place.

        The container that is being read is kept in local names; other methods find its `key` in its frame.
        """
        base, moved, stack = self.start, self.offset_of, self.stack
        scalar_event, map_start, list_start = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent
        map_end, list_end = yaml.MappingEndEvent, yaml.SequenceEndEvent
        words, starts, usual_keys, merge = WORDS, NUMBER_STARTS, self.usual_keys, MERGE
        frame: Frame | None = None
        value: Any = None  # of the frame, as are `children` and `keys`
        children: Any = None
        keys: Any = None
        key: str | None = None
        key_place = -1
        while True:
            event = get_event()
            kind = type(event)
            if moved is None:
                start, end = event.start_mark.index + base, event.end_mark.index + base
            else:
                start, end = moved(event.start_mark.index + base), moved(event.end_mark.index + base)
            if kind is scalar_event:
                text = event.value
                place = start << HALF | end
                if keys is not None and key is None:
                    key, key_place = usual_keys.get(text), place
                    if key is None or event.tag is not None or event.anchor is not None:
                        key = self._key(event, text, place)
                    continue
                usual = keys is None or (key not in keys and key is not merge)
                if usual and frame is not None and event.tag is None and event.anchor is None:
                    item = (
                        self._plain(text, start, end)
                        if event.implicit[0] and (text in words or text[:1] in starts)
                        else text
                    )
                    if keys is None:
                        value.append(item)
                        children.append(place)
                    else:
                        value[key] = item
                        children[key] = place
                        keys[key] = key_place
                        key = None
                    continue
            elif kind is map_start or kind is list_start:
                if event.anchor is None and len(stack) < MAX_DEPTH and (keys is None or key is not None):
                    if frame is not None:
                        frame.key, frame.key_place, key = key, key_place, None
                    if kind is map_start:
                        value, children, keys = {}, {}, {}
                    else:
                        value, children, keys = [], [], None
                    frame = Frame(start, keys, value, children)
                    stack.append(frame)
                    continue
            elif (kind is map_end or kind is list_end) and len(stack) > 1:
                done, around = stack[-1], stack[-2]
                key, keys = around.key, around.keys
                if done.anchor is None and not done.merges and (keys is None or (key not in keys and key is not merge)):
                    stack.pop()
                    place = done.start << HALF | end
                    node = SeqNode(place, children) if done.keys is None else MapNode(place, done.keys, children)
                    around.inner += len(value) + done.inner
                    if done.depth >= around.depth:
                        around.depth = done.depth + 1
                    item, frame = value, around
                    value, children = around.value, around.children
                    if keys is None:
                        value.append(item)
                        children.append(node)
                    else:
                        value[key] = item
                        children[key] = node
                        keys[key] = around.key_place
                        key = None
                    continue
                key = None
            if frame is not None:
                frame.key, frame.key_place = key, key_place
            if self._rare(event, kind, start, end):
                return
            frame = stack[-1] if stack else None
            if frame is None:
                value, children, keys, key = None, None, None, None
            else:
                value, children, keys = frame.value, frame.children, frame.keys
                key, key_place = frame.key, frame.key_place

    def _rare(self, event: Any, kind: type, start: int, end: int) -> bool:
        """What the loop does not handle in place: anchors, tags, aliases, merges, mistakes, whole documents.

        True at the end of the stream.
        """
        if kind is yaml.ScalarEvent:
            self._scalar(event, start << HALF | end)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._open(event, start, end, is_map=kind is yaml.MappingStartEvent)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._close(end)
        elif kind is yaml.AliasEvent:
            self._alias(event.anchor, start, end)
        elif kind is yaml.DocumentStartEvent:
            self.anchors.clear()
            self.aliased = 0
        return kind is yaml.StreamEndEvent

    def _scalar(self, event: Any, place: int) -> None:
        """A value with a tag or an anchor, or one that is a whole document."""
        text, start, end = event.value, place >> HALF, place & LOW
        if event.tag is not None:
            value = self._tagged(event.tag, text, start, end)
        else:
            value = self._plain(text, start, end) if event.implicit[0] else text
        if event.anchor:
            self.anchors[event.anchor] = Anchored(value, place, 1, 0)
        self._add(value, place)

    def _plain(self, text: str, start: int, end: int) -> Any:
        value = plain(text)
        if value is text and text in NOT_FINITE:
            self.mistakes.report("yaml-number", f"{text} is not a number that JSON can hold", start, end)
        return value

    # ------------------------------------------------------------ building

    def _add(self, value: Any, node: Node, size: int = 1, depth: int = 0) -> None:
        if not self.stack:
            self.parsed.documents.append(Document(self.source, value, node))
            return
        frame = self.stack[-1]
        frame.inner += size - 1
        if depth >= frame.depth:
            frame.depth = depth + 1
        if frame.keys is None:
            frame.value.append(value)
            frame.children.append(node)
            return
        key, frame.key = frame.key, None
        assert key is not None
        if key is MERGE:
            frame.merges = (*frame.merges, (value, node, frame.key_place))
            return
        first = frame.keys.get(key)
        if first is not None:
            self.mistakes.duplicate(key, frame.key_place, first)
        frame.value[key] = value
        frame.keys[key] = frame.key_place
        frame.children[key] = node

    def _key(self, event: Any, text: str, place: int) -> str:
        """The key that a scalar stands for, as text."""
        if event.anchor:
            self.anchors[event.anchor] = Anchored(text, place, 1, 0)
        if event.tag is None and not event.implicit[0]:
            return text
        if event.tag is None and text not in WORDS and text[:1] not in NUMBER_STARTS and text != "<<":
            self.usual_keys[text] = text
            return text
        if text == "<<" and event.tag in (None, _MERGE_TAG):
            return MERGE
        start, end = place >> HALF, place & LOW
        value = plain(text) if event.tag is None else self._tagged(event.tag, text, start, end)
        if isinstance(value, bool):
            word = "true" if value else "false"
            if text not in ("true", "false"):
                problem = f"the key {text} is read as {word}, as YAML 1.1 and Argo do"
                self.mistakes.report(
                    "yaml-bool-key", problem, start, end, hint=f'put it in quotes: "{text}"', severity="warning"
                )
            return word
        if isinstance(value, float):
            return key_text(value)
        if value is None:
            self.mistakes.report(
                "yaml-key", "a key may not be null", start, end, hint='put it in quotes, even the empty ""'
            )
            return text
        return str(value)

    def _open(self, event: Any, start: int, end: int, *, is_map: bool) -> None:
        stack = self.stack
        if len(stack) >= MAX_DEPTH:
            problem = f"nested more than {MAX_DEPTH} levels deep"
            raise _Stop(self.mistakes.diagnostic("yaml-limit", problem, start, end), start)
        if stack and stack[-1].keys is not None and stack[-1].key is None:
            hint = ""
            if "{{" in (self.text[event.start_mark.index + self.start - 1 :][:2], self.text[start:][:2]):
                hint = "text that begins with {{ must be in quotes: '{{…}}'"
            raise _Stop(
                self.mistakes.diagnostic("yaml-key", "a mapping or list can't be a key", start, end, hint), start
            )
        # Containers without an anchor are opened by the loop.
        self.open_anchors.add(event.anchor)
        stack.append(Frame(start, {}, {}, {}, event.anchor) if is_map else Frame(start, None, [], [], event.anchor))

    def _close(self, end: int) -> None:
        frame = self.stack.pop()
        place = frame.start << HALF | end
        size = 1 + len(frame.value) + len(frame.merges) + frame.inner
        node: Node
        keys = frame.keys
        if keys is not None:
            for value, merged, key_place in frame.merges:
                self._merge(frame, keys, value, merged, key_place)
            node = MapNode(place, keys, frame.children)
        else:
            node = SeqNode(place, frame.children)
        if frame.anchor:
            self.open_anchors.discard(frame.anchor)
            self.anchors[frame.anchor] = Anchored(frame.value, node, size, frame.depth)
        self._add(frame.value, node, size, frame.depth)

    def _alias(self, anchor: str, start: int, end: int) -> None:
        found = self.anchors.get(anchor)
        if found is None:
            problem = f"alias *{anchor} has no anchor &{anchor} before it"
            if anchor in self.open_anchors:
                problem = f"anchor &{anchor} contains itself"
            raise _Stop(self.mistakes.diagnostic("yaml-alias", problem, start, end), start)
        self.aliased += found.size
        if self.aliased > MAX_ALIASED or len(self.stack) + found.depth > MAX_DEPTH:
            problem = f"aliases expand to more than {MAX_ALIASED} values or {MAX_DEPTH} levels"
            raise _Stop(self.mistakes.diagnostic("yaml-limit", problem, start, end), start)
        if self.stack and self.stack[-1].keys is not None and self.stack[-1].key is None:
            if not isinstance(found.value, str):
                raise _Stop(self.mistakes.diagnostic("yaml-key", "a key must be text", start, end), start)
            self.stack[-1].key, self.stack[-1].key_place = found.value, start << HALF | end
            return
        self._add(found.value, found.node, found.size, found.depth)

    def _merge(self, frame: Frame, keys: dict[str, int], value: Any, node: Node, key_place: int) -> None:
        """`<<`: keys that are written here win, then the first of the list."""
        parts = [(value, node)]
        if isinstance(value, list) and isinstance(node, SeqNode):
            parts = list(zip(value, node.children, strict=True))
        for mapping, places in parts:
            if not isinstance(mapping, dict) or not isinstance(places, MapNode):
                problem = "<< merges a mapping or a list of mappings"
                self.mistakes.report("yaml-merge", problem, key_place >> HALF, key_place & LOW)
                return
            for key, item in mapping.items():
                if key not in frame.value:
                    frame.value[key] = item
                    keys[key] = places.keys[key]
                    frame.children[key] = places.children[key]

    def _tagged(self, tag: str, text: str, start: int, end: int) -> Any:
        value, problem = tagged(tag, text)
        if problem:
            self.mistakes.report("yaml-tag", problem, start, end)
        return value
