"""Reads `kind: Secret` and `kind: ConfigMap` documents into plain text, and finds the secrets that a document refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.errors import UsageError
from aggregator.secrets.mask import decode_base64

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def as_text(data: bytes) -> str:
    """The bytes as text; bytes that are no UTF-8 survive as surrogates (`encode("utf-8", "surrogateescape")`)."""
    return data.decode("utf-8", "surrogateescape")


def read_documents(
    documents: Iterable[Mapping[str, Any]],
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Secrets and ConfigMaps by name. Of two documents with one name the later rules, whole, as `kubectl apply` has it."""
    secrets: dict[str, dict[str, str]] = {}
    config_maps: dict[str, dict[str, str]] = {}
    for document in documents:
        kind = document.get("kind")
        metadata = document.get("metadata")
        name = str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
        if kind == "Secret":
            secrets[name] = {**_decoded(document, "data", name), **_plain(document, "stringData", name)}
        elif kind == "ConfigMap":
            config_maps[name] = {**_decoded(document, "binaryData", name), **_plain(document, "data", name)}
    return secrets, config_maps


def _entries(document: Mapping[str, Any], field: str, name: str) -> Iterator[tuple[str, str]]:
    entries = document.get(field) or {}
    if not isinstance(entries, dict):
        raise UsageError(f"{document['kind']} {name!r}: {field} must be a mapping of keys to texts")
    for key, value in entries.items():
        if value is not None and not isinstance(value, str):
            raise UsageError(
                f"{document['kind']} {name!r}: {field}.{key} must be a text, not {type(value).__name__}",
                hint="put the value in quotes",
            )
        yield str(key), value or ""


def _plain(document: Mapping[str, Any], field: str, name: str) -> dict[str, str]:
    return dict(_entries(document, field, name))


def _decoded(document: Mapping[str, Any], field: str, name: str) -> dict[str, str]:
    decoded: dict[str, str] = {}
    for key, value in _entries(document, field, name):
        try:
            decoded[key] = as_text(decode_base64(value))
        except ValueError as exc:
            # The value itself is never shown: it may be the secret, written in the wrong field.
            plain = "stringData" if document["kind"] == "Secret" else "data"
            raise UsageError(
                f"{document['kind']} {name!r}: {field}.{key} is not base64 ({exc})",
                hint=f"plain text belongs under `{plain}:`",
            ) from exc
    return decoded


def secret_references(document: Any) -> set[tuple[str, str]]:
    """Every (name, key) that a document asks a Secret for: `secretKeyRef`, `accessKeySecret`, `passwordSecret`, ..."""
    found: set[tuple[str, str]] = set()
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for field, inner in value.items():
                if isinstance(inner, dict) and (field == "secretKeyRef" or str(field).endswith("Secret")):
                    name, key = inner.get("name"), inner.get("key")
                    if isinstance(name, str) and isinstance(key, str):
                        found.add((name, key))
                waiting.append(inner)
        elif isinstance(value, list):
            waiting.extend(value)
    return found
