"""Tokens of expr-lang: one regular expression finds them, escapes and numbers are read apart."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from aggregator.errors import LanguageError
from aggregator.lang.govalue import INT_MAX, INT_MIN

EOF: Final = "end of expression"
IDENT: Final = "name"
NUMBER: Final = "number"
STRING: Final = "string"
BYTES: Final = "bytes"
OP: Final = "operator"
BRACKET: Final = "bracket"

KEYWORDS: Final = frozenset(
    ("not", "in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let", "if", "else")
)


class Token(NamedTuple):
    """`value` is the name, the operator, the digits as written, or the text or bytes that a literal means."""

    kind: str
    value: str
    start: int
    end: int
    data: bytes = b""


# Escapes are checked when they are read; here a backslash only keeps the next character from ending the literal.
TOKEN: Final = re.compile(
    r"""
    [ ]*(?:
    (?P<skip>[ \t\n\r\f\v\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|//[^\n]*|/\*(?s:.*?)\*/)
  | (?P<bytes>[bB](?=["'])(?:"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'))
  | (?P<number>(?=\.?[0-9])
        (?:0[xX][0-9a-fA-F_]*(?:\.(?!\.)[0-9a-fA-F_]*)?(?:[eE][+-]?[0-9a-fA-F_]*)?
         | 0[oO][0-7_]*(?:\.(?!\.)[0-7_]*)?(?:[eE][+-]?[0-7_]*)?
         | 0[bB][01_]*(?:\.(?!\.)[01_]*)?(?:[eE][+-]?[01_]*)?
         | [0-9_]*(?:\.(?!\.)[0-9_]*)?(?:[eE][+-]?[0-9_]*)?))
  | (?P<name>[\w$]+)
  | (?P<string>"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')
  | (?P<raw>`(?:[^`]|``)*+`)
  | (?P<pointer>\#\#?)(?P<pointee>[\w$]*)
  | (?P<op>\?[.?]?|/(?!\*)|\|\|?|::?|\.\.?|[,;%+^-]|[&!=*<>][&=*]?)
  | (?P<bracket>[()\[\]{}]))
    """,
    re.VERBOSE,
)
SIMPLE_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
ESCAPE: Final = re.compile(
    r"\\(?:x(?P<x>[0-9a-fA-F]{2})|u\{(?P<braced>[0-9a-fA-F]{1,6})\}|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})"
    r"|(?P<octal>[0-3][0-7]{2})|(?P<one>.))",
    re.DOTALL,
)
MAX_RUNE: Final = 0x10FFFF


def tokenize(text: str) -> list[Token]:
    """All tokens, ended by EOF; blanks and comments are left out."""
    tokens: list[Token] = []
    reached, length = 0, len(text)
    add, make = tokens.append, Token._make
    for found in TOKEN.finditer(text):
        if found.start() != reached:
            break
        kind = found.lastgroup or ""
        at, end = found.span(kind)
        reached = end
        if kind == "name":
            name = found["name"]
            if not name.isascii():
                _check_letters(text, name, at)
            add(make((OP if name in KEYWORDS else IDENT, name, at, end, b"")))
        elif kind == "op":
            add(make((OP, found["op"], at, end, b"")))
        elif kind == "bracket":
            add(make((BRACKET, found["bracket"], at, end, b"")))
        elif kind == "string":
            tokens.append(Token(STRING, _unquote(text, at + 1, end - 1, text[at]), at, end))
        elif kind == "number":
            if end < length and (text[end].isalnum() or text[end] in "_$"):
                raise LanguageError(
                    f"bad number {text[at : end + 1]!r}", text=text, start=at, end=end + 1, kind="syntax",
                    hint="names cannot start with a digit; put a blank between a number and a name",
                )  # fmt: skip
            tokens.append(Token(NUMBER, text[at:end], at, end))
        elif kind == "raw":
            tokens.append(Token(STRING, text[at + 1 : end - 1].replace("``", "`"), at, end))
        elif kind == "bytes":
            tokens.append(Token(BYTES, "", at, end, _unquote_bytes(text, at + 2, end - 1, text[at + 1])))
        elif kind != "skip":
            tokens.append(Token(OP, found["pointer"], found.start("pointer"), at))
            if found["pointee"]:
                _check_letters(text, found["pointee"], at)
                tokens.append(Token(IDENT, found["pointee"], at, end))
    if reached < length:
        raise _refused(text, reached)
    tokens.append(Token(EOF, "", length, length + 1))
    return tokens


def _refused(text: str, at: int) -> LanguageError:
    char = text[at]
    if char in "\"'`":
        end = text.find("\n", at) if char != "`" else -1
        return LanguageError(
            "unterminated string", text=text, start=at, end=len(text) if end < 0 else end, kind="syntax",
            hint=f"end it with {char}" + ("" if char == "`" else "; a text of several lines needs backquotes"),
        )  # fmt: skip
    if text.startswith("/*", at):
        return LanguageError("unclosed comment", text=text, start=at, end=at + 2, kind="syntax", hint="end it with */")
    hint = "use `and` or `&&`" if char == "&" else ""
    return LanguageError(f"unexpected character {char!r}", text=text, start=at, kind="syntax", hint=hint)


def _check_letters(text: str, name: str, at: int) -> None:
    """Names are made of letters, decimal digits, `_` and `$`; other numerals count as neither."""
    for i, char in enumerate(name):
        if char not in "_$" and not (unicodedata.category(char)[0] == "L" or char.isdecimal()):
            raise LanguageError(
                f"unexpected character {char!r}", text=text, start=at + i, kind="syntax",
                hint="names are made of letters, digits, _ and $",
            )  # fmt: skip


def _unquote(text: str, start: int, end: int, quote: str) -> str:
    """The text that a quoted literal means; `start` and `end` lie inside the quotes."""
    body = text[start:end]
    if "\r" in body:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    if "\\" not in body:
        return body
    pieces: list[str] = []
    at = 0
    while (slash := body.find("\\", at)) >= 0:
        pieces.append(body[at:slash])
        found = ESCAPE.match(body, slash)
        digits = found and (found["x"] or found["braced"] or found["u"] or found["U"])
        if found and found["octal"]:
            pieces.append(chr(int(found["octal"], 8)))
        elif digits and (code := int(digits, 16)) <= MAX_RUNE:
            pieces.append("\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code))
        elif found and found["one"] in SIMPLE_ESCAPES:
            pieces.append(SIMPLE_ESCAPES[found["one"]])
        elif found and found["one"] == quote:
            pieces.append(quote)
        else:
            raise _bad_escape(text, start + slash, quote)
        assert found is not None  # every backslash is followed by a character
        at = found.end()
    pieces.append(body[at:])
    return "".join(pieces)


def _unquote_bytes(text: str, start: int, end: int, quote: str) -> bytes:
    """As `_unquote`; escapes are single bytes, and there are none for code points."""
    body = text[start:end].replace("\r\n", "\n").replace("\r", "\n")
    pieces: list[bytes] = []
    at = 0
    while at < len(body):
        slash = body.find("\\", at)
        stop = len(body) if slash < 0 else slash
        pieces.append(body[at:stop].encode("utf-8", "replace"))
        if slash < 0:
            break
        found = ESCAPE.match(body, slash)
        if found and found["octal"]:
            pieces.append(bytes((int(found["octal"], 8),)))
        elif found and found["x"]:
            pieces.append(bytes((int(found["x"], 16),)))
        elif found and found["one"] in SIMPLE_ESCAPES:
            pieces.append(SIMPLE_ESCAPES[found["one"]].encode())
        elif found and found["one"] == quote:
            pieces.append(quote.encode())
        else:
            raise _bad_escape(text, start + slash, quote)
        assert found is not None  # every backslash is followed by a character
        at = found.end()
    return b"".join(pieces)


def _bad_escape(text: str, at: int, quote: str) -> LanguageError:
    return LanguageError(
        f"unknown escape {text[at : at + 2]!r}", text=text, start=at, end=at + 2, kind="syntax",
        hint=rf"known are \a \b \f \n \r \t \v \\ \{quote} \xHH \uHHHH \UHHHHHHHH \u{{H...}} \OOO; write \\ for a backslash",
    )  # fmt: skip


def number(token: Token, text: str) -> int | float:
    """The value of a number token: an int of 64 bits or a float."""
    digits = token.value.replace("_", "").lower()
    try:
        if digits.startswith("0x"):
            value: int | float = int(digits, 16)
        elif "." in digits or "e" in digits:
            value = float(digits)
        elif digits.startswith(("0b", "0o")):
            value = int(digits[2:], 2 if digits[1] == "b" else 8)
        else:
            value = int(digits)
    except ValueError:
        message = f"bad number {token.value!r}"
    else:
        if isinstance(value, float) and value != float("inf"):
            return value
        if INT_MIN <= value <= INT_MAX:
            return value
        message = f"number {token.value[:80]} is too large"
    raise LanguageError(
        message, text=text, start=token.start, end=token.end, kind="syntax",
        hint="integers have 64 bits" if "too large" in message else "",
    )  # fmt: skip
