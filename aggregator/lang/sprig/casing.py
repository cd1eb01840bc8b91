"""Sprig's changes of letter case: upper, title, swapcase, and snake, kebab and camel case."""

from __future__ import annotations

import unicodedata
from enum import Enum, auto
from typing import NamedTuple

from aggregator.lang.gocase import (
    is_lower,
    is_space,
    is_upper,
    lower_char,
    title_char,
    to_lower,
    to_upper,
    upper_char,
)
from aggregator.lang.sprig.signature import STRING, Family

FAMILY = Family("Letter case")


@FAMILY.add("upper", STRING)
def upper(text: str) -> str:
    """In capitals: `sprig.upper("a")` is "A"."""
    return to_upper(text)


@FAMILY.add("lower", STRING)
def lower(text: str) -> str:
    """In small letters: `sprig.lower("A")` is "a"."""
    return to_lower(text)


@FAMILY.add("title", STRING)
def title(text: str) -> str:
    """Every word with a capital: `sprig.title("hello world")` is "Hello World"."""
    out, start = [], True
    for char in text:
        out.append(title_char(char) if start else char)
        start = separates(char)
    return "".join(out)


def separates(char: str) -> bool:
    """Whether a word begins behind the character: in ASCII all but letters, digits and _, beyond it white space."""
    if char.isascii():
        return not (char.isalnum() or char == "_")
    return is_space(char)


@FAMILY.add("untitle", STRING)
def untitle(text: str) -> str:
    """Every word with a small first letter: `sprig.untitle("Hello World")` is "hello world"."""
    out, start = [], True
    for char in text:
        if is_space(char):
            start = True
        elif start:
            out.append(lower_char(char))
            start = False
            continue
        out.append(char)
    return "".join(out)


@FAMILY.add("swapcase", STRING)
def swapcase(text: str) -> str:
    """Capitals and small letters exchanged: `sprig.swapcase("aB")` is "Ab"."""
    out, after_space = [], True
    for char in text:
        if is_upper(char) or unicodedata.category(char) == "Lt":
            out.append(lower_char(char))
            after_space = False
        elif is_lower(char):
            out.append(title_char(char) if after_space else upper_char(char))
            after_space = False
        else:
            out.append(char)
            after_space = is_space(char)
    return "".join(out)


@FAMILY.add("camelcase", STRING)
def camelcase(text: str) -> str:
    """Words run together, each with a capital: `sprig.camelcase("http_server")` is "HttpServer".

    Connectors (blank, - and _) at the start and end stay, of several in a row all but one.
    """
    lead = 0
    while lead < len(text) and connects(text[lead]):
        lead += 1
    if lead == len(text):
        return text + text[-1:]  # of a text of connectors alone the original writes the last one twice
    out = list(text[:lead])
    capitals = is_upper(text[lead])
    current = upper_char(text[lead])
    for char in text[lead + 1 :]:
        before, current = current, char
        if connects(current) and connects(before):
            out.append(before)
        elif connects(before):
            capitals = is_upper(current)
            current = upper_char(current)
        else:
            if capitals and is_upper(current):
                current = lower_char(current)
            else:
                capitals = False
            out.append(before)
    return "".join([*out, current])


def connects(char: str) -> bool:
    return char in "-_" or is_space(char)


class Kind(Enum):
    NUMBER = auto()
    UPPER = auto()
    ALPHABET = auto()
    CONNECTOR = auto()
    PUNCTUATION = auto()
    OTHER = auto()
    END = auto()


class Word(NamedTuple):
    kind: Kind
    text: str


CJK = (("\u3400", "\u4d85"), ("\u4e00", "\u9fcc"), ("\U00020000", "\U0002b81d"))


def alphabetic(char: str) -> bool:
    """Letters but for Chinese ones, which are words of their own."""
    return unicodedata.category(char)[0] == "L" and not any(low <= char <= high for low, high in CJK)


def kind_of(char: str) -> Kind:
    category = unicodedata.category(char)
    if connects(char):
        return Kind.CONNECTOR
    if category[0] == "P":
        return Kind.PUNCTUATION
    if category == "Lu":
        return Kind.UPPER
    if alphabetic(char):
        return Kind.ALPHABET
    return Kind.NUMBER if category[0] == "N" else Kind.OTHER


def continues(kind: Kind, char: str) -> bool:
    """Whether the character goes on with a run; punctuation takes the connectors - and _ along."""
    if kind is Kind.PUNCTUATION:
        return unicodedata.category(char)[0] == "P"
    return kind_of(char) is kind


def words_of(text: str) -> list[Word]:
    """The text as runs of one kind. Capitals take the small letters behind the last of them: HTTP, Server."""
    words: list[Word] = []
    at = 0
    while at < len(text):
        start, kind = at, kind_of(text[at])
        while at < len(text) and continues(kind, text[at]):
            at += 1
        if kind is Kind.UPPER and at < len(text) and kind_of(text[at]) is Kind.ALPHABET:
            if at - start > 1:
                at -= 1  # the last capital begins the next word
            else:
                while at < len(text) and kind_of(text[at]) is Kind.ALPHABET:
                    at += 1
        words.append(Word(kind, text[start:at]))
    return words


@FAMILY.add("snakecase", STRING)
def snakecase(text: str) -> str:
    """Small words with underscores between: `sprig.snakecase("FirstName")` is "first_name"."""
    return joined_words(text, "_")


@FAMILY.add("kebabcase", STRING)
def kebabcase(text: str) -> str:
    """Small words with hyphens between: `sprig.kebabcase("FirstName")` is "first-name"."""
    return joined_words(text, "-")


def joined_words(text: str, connector: str) -> str:
    """The words in small letters. A number begins a word where letters follow it, else it ends the word before."""
    words = words_of(text)
    out: list[str] = []
    at = 0

    def kind(place: int) -> Kind:
        return words[place].kind if place < len(words) else Kind.END

    def write(word: Word) -> None:
        if word.kind is Kind.CONNECTOR:
            out.append(connector * len(word.text))
        else:
            out.append(to_lower(word.text) if word.kind is Kind.UPPER else word.text)

    def connect_unless(*kinds: Kind) -> None:
        if kind(at) not in kinds:
            out.append(connector)

    open_kinds = (Kind.CONNECTOR, Kind.PUNCTUATION)
    while at < len(words) - 1:
        word = words[at]
        at += 1
        write(word)
        if word.kind is Kind.NUMBER:
            while kind(at) in (Kind.ALPHABET, Kind.NUMBER):
                write(words[at])
                at += 1
            connect_unless(Kind.END, *open_kinds)
        elif word.kind not in open_kinds:
            if kind(at) is not Kind.NUMBER:
                connect_unless(*open_kinds)
            elif at < len(words) - 1:
                number = words[at]
                at += 1
                if kind(at) is not Kind.ALPHABET:
                    write(number)
                    connect_unless(*open_kinds)
                else:
                    out.append(connector)
                    write(number)
                    while kind(at) in (Kind.ALPHABET, Kind.NUMBER):
                        write(words[at])
                        at += 1
                    connect_unless(Kind.END, *open_kinds)
    if at < len(words):
        write(words[at])
    return "".join(out)
