"""The masker: replaces every known secret by `***`, in whole texts and in streams that arrive in pieces.

A secret shows up in more shapes than its own: base64 of a credentials pair, a percent-escaped URL, a JSON string, hex. Each
shape is a *form*; the forms of all secrets stand in one pattern, longest first, and text that holds none of them is passed
through after a few substring searches.

Values shorter than `MIN_LENGTH` are not masked: replacing every `1` or `no` would destroy the output and hide nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "***"
MIN_LENGTH: Final = 4
"""Shortest value, in bytes, that is masked."""
MIN_LINE: Final = 12
"""Shortest line of a many-line value (a key, a service account file) that is masked by itself."""

_HEAD: Final = 4
"""No form is shorter than this many bytes; a stream's tail is searched by a form's first bytes."""
_MASK_BYTES: Final = MASK.encode()


def forms_of(value: str) -> set[str]:
    """Every shape in which `value` is recognised; empty when it is too short to be masked."""
    raw = value.encode("utf-8", "surrogateescape")
    if len(raw) < MIN_LENGTH or not value.strip():
        return set()
    forms = {value, raw.hex(), raw.hex().upper()} | _base64_forms(raw)
    trimmed = value.strip()
    if len(trimmed.encode("utf-8", "surrogateescape")) >= MIN_LENGTH:
        forms.add(trimmed)
    for text in {value, trimmed}:
        forms |= _json_forms(text) | _url_forms(text)
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        # What prints a key line by line is still printing the key; the armour around it (`-----BEGIN ...`) is public.
        forms |= {line for line in lines if len(line) >= MIN_LINE and not line.startswith("-----")}
    return {form for form in forms if len(form.encode("utf-8", "surrogateescape")) >= _HEAD}


def _base64_forms(raw: bytes) -> set[str]:
    forms: set[str] = set()
    for data in (raw, raw + b"\n"):  # `echo "$SECRET" | base64` encodes the line break as well
        whole = base64.b64encode(data).decode()
        forms |= {whole, whole.rstrip("=")}
        for width in (76, 64):  # the widths at which `base64` and `openssl` break lines
            if len(whole) > width:
                forms |= {line for i in range(0, len(whole), width) if len(line := whole[i : i + width]) >= MIN_LINE}
    for offset in range(3):
        # Inside a longer text (`user:SECRET`) only the characters that no neighbour touches are known.
        padded = base64.b64encode(b"\0" * offset + raw).decode()
        core = padded[(offset * 8 + 5) // 6 : (offset + len(raw)) * 8 // 6]
        if len(core) >= _HEAD:
            forms.add(core)
    return forms | {form.translate(str.maketrans("+/", "-_")) for form in forms}


def _json_forms(text: str) -> set[str]:
    forms: set[str] = set()
    for ascii_only in (False, True):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        html = once.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        slashed = once.replace("/", "\\/")
        # A JSON text inside a JSON string (a result in a status object) is escaped once more, by whichever writer's habit.
        twice = {json.dumps(form, ensure_ascii=outer)[1:-1] for form in (once, html) for outer in (False, True)}
        forms |= {once, html, slashed} | twice
    return forms


def _url_forms(text: str) -> set[str]:
    forms: set[str] = set()
    for escaped in (
        quote(text, safe="", errors="surrogateescape"),
        quote(text, safe="/", errors="surrogateescape"),
        quote(text, safe="!*'()", errors="surrogateescape"),
        quote_plus(text, errors="surrogateescape"),
    ):
        forms |= {escaped, re.sub("%[0-9A-F]{2}", lambda found: found.group().lower(), escaped)}
    return forms


class _Patterns:
    """All forms at one moment, ready to search; replaced as a whole when a secret is added."""

    def __init__(self, forms: set[str]) -> None:
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self.texts = ordered
        self.bytes = [form.encode("utf-8", "surrogateescape") for form in ordered]
        self.bytes.sort(key=lambda form: (-len(form), form))
        self.text_pattern = re.compile("|".join(map(re.escape, ordered)))
        self.bytes_pattern = re.compile(b"|".join(map(re.escape, self.bytes)))

    def pending(self, data: bytes, start: int) -> int:
        """The first position from `start` on where `data` ends inside a form: more bytes could complete it."""
        earliest = len(data)
        for form in self.bytes:
            first = max(start, len(data) - len(form) + 1)
            head = form[:_HEAD]
            at = data.find(head, first, earliest + _HEAD - 1)
            while -1 < at < earliest:
                if form.startswith(data[at:]):
                    earliest = at
                    break
                at = data.find(head, at + 1, earliest + _HEAD - 1)
            for at in range(max(first, len(data) - _HEAD + 1), earliest):
                if form.startswith(data[at:]):
                    earliest = at
                    break
        return earliest


class Masker:
    """Knows the secrets handed out so far. Thread-safe; costs next to nothing while it knows none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._forms: set[str] = set()
        self._patterns: _Patterns | None = None
        self._stale = False

    def add(self, value: str) -> None:
        """From now on `value` and its escaped forms are masked."""
        if value in self._values:
            return
        with self._lock:
            self._values.add(value)
            self._forms |= forms_of(value)
            self._stale = bool(self._forms)

    def patterns(self) -> _Patterns | None:
        """What to search for, compiled at the first search after a change."""
        if self._stale:
            with self._lock:
                self._patterns = _Patterns(self._forms)
                self._stale = False
        return self._patterns

    def mask(self, text: str) -> str:
        patterns = self.patterns()
        if patterns is None or not any(form in text for form in patterns.texts):
            return text
        return patterns.text_pattern.sub(MASK, text)

    def mask_bytes(self, data: bytes) -> bytes:
        patterns = self.patterns()
        if patterns is None or not any(form in data for form in patterns.bytes):
            return data
        return patterns.bytes_pattern.sub(_MASK_BYTES, data)

    def stream(self) -> MaskStream:
        return MaskStream(self)


class MaskStream:
    """Masks output that arrives in pieces: what it gives, joined, is the mask of the pieces joined.

    Only bytes that may be the beginning of a secret are kept back, so a prompt without a line break is shown at once.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        """The masked bytes that are certain by now."""
        patterns = self._masker.patterns()
        if patterns is None:
            return data
        data = self._kept + data
        position = 0
        pending = patterns.pending(data, position)
        shown: list[bytes] = []
        while True:
            found = patterns.bytes_pattern.search(data, position)
            if found is None or found.start() >= pending:
                break
            shown += (data[position : found.start()], _MASK_BYTES)
            position = found.end()
            if position > pending:
                pending = patterns.pending(data, position)
        shown.append(data[position:pending])
        self._kept = data[pending:]
        return b"".join(shown)

    def flush(self) -> bytes:
        """The rest, at the end of the stream."""
        data, self._kept = self._kept, b""
        return self._masker.mask_bytes(data)


def decode_base64(text: str) -> bytes:
    """Strict base64, spaces and line breaks aside; ValueError otherwise."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as exc:
        raise ValueError(str(exc)) from exc
