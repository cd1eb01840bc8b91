"""The secret store: values from the environment, an env file, mounted files, documents and the sandbox, in that order.

The place nearest to this one run wins, as it does for settings:

1. the environment variable `AGG_SECRET_<NAME>_<KEY>` (upper case, every other character `_`),
2. the same variable in the env file,
3. the file `<dir>/<name>/<key>` in the given folders, the first folder first (one line break at its end is not part of it),
4. `kind: Secret` documents in the workflow's file or given by `--with`,
5. the sandbox's own, so that an example runs without any of these.

ConfigMaps come from documents only. Every value handed out as a secret is known to the masker from then on.
"""

from __future__ import annotations

import os
import re
import threading
from typing import TYPE_CHECKING

from aggregator.errors import NotFound, StoreError, UsageError, nearest
from aggregator.secrets.documents import as_text, read_documents
from aggregator.secrets.mask import Masker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

PREFIX = "AGG_SECRET_"
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_Reference = tuple[str, str]


def variable(name: str, key: str) -> str:
    """The environment variable of a secret's key."""
    return PREFIX + re.sub("[^A-Z0-9]", "_", f"{name}_{key}".upper())


class SecretStore:
    """Implements ports.Secrets."""

    def __init__(
        self,
        *,
        folders: Sequence[Path] = (),
        env_file: Path | None = None,
        environ: Mapping[str, str] | None = None,
        documents: Iterable[Mapping[str, Any]] = (),
        extra: Mapping[_Reference, str] | None = None,
        masker: Masker | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self.masker = masker or Masker()
        self._folders = list(folders)
        self._env_file = env_file
        self._file_variables = read_env_file(env_file) if env_file else {}
        self._variables = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
        self._secrets, self._config_maps = read_documents(documents)
        self._extra: dict[str, dict[str, str]] = {}
        for (name, key), value in (extra or {}).items():
            self._extra.setdefault(name, {})[key] = value
        self._lock = threading.Lock()
        self._owners: dict[str, set[_Reference]] = {}
        self.expect((name, key) for known in (self._secrets, self._extra) for name in known for key in known[name])

    def expect(self, references: Iterable[_Reference]) -> None:
        """Say which secrets a run will ask for, so that two that share a variable are found before anything starts."""
        for name, key in references:
            self._claim(name, key)

    def secret(self, name: str, key: str) -> str:
        for part in (name, key):
            if not _KEY.fullmatch(part) or part in {".", ".."}:
                raise NotFound(
                    f"secret {name!r}, key {key!r}: {part!r} can't be the name or key of a secret",
                    hint="letters, digits, '-', '_' and '.' are allowed",
                )
        value = self._find(name, key)
        if value is None:
            raise self._not_found(name, key)
        self.masker.add(value)
        return value

    def secret_keys(self, name: str) -> Mapping[str, str]:
        """All keys of a secret with their values, as `envFrom` and secret volumes want them.

        A variable tells its key only in upper case; it adds a key of that spelling when no other place knows the key.
        """
        keys = self._known_keys(name)
        found = {key: self.secret(name, key) for key in sorted(keys)}
        start = variable(name, "")
        known_variables = {variable(name, key) for key in keys}
        for variables in (self._file_variables, self._variables):
            for each, value in variables.items():
                rest = each.removeprefix(start)
                with self._lock:
                    others = any(owner[0] != name for owner in self._owners.get(each, ()))
                if each.startswith(start) and rest and each not in known_variables and not others:
                    self.masker.add(value)
                    found[rest] = value
        if not found:
            raise self._not_found(name, "")
        return found

    def config_map(self, name: str) -> Mapping[str, str]:
        try:
            return self._config_maps[name]
        except KeyError:
            raise NotFound(
                f"ConfigMap {name!r} is in none of the documents",
                hint=nearest(name, self._config_maps)
                or f"add a `kind: ConfigMap` document named {name!r} to the file, or give its file by --with",
            ) from None

    def mask(self, text: str) -> str:
        return self.masker.mask(text)

    def _claim(self, name: str, key: str) -> None:
        """Two different secrets on one variable that is set: refuse, for one of them would get the other's value."""
        each = variable(name, key)
        with self._lock:
            owners = self._owners.setdefault(each, set())
            owners.add((name, key))
            is_set = each in self._variables or each in self._file_variables
            if len(owners) > 1 and is_set:
                both = " and ".join(f"{owner[0]!r} key {owner[1]!r}" for owner in sorted(owners))
                raise UsageError(
                    f"the environment variable {each} would be the value of two secrets: {both}",
                    hint=f"unset {each} and give both as files, <folder>/<name>/<key>, or in `kind: Secret` documents",
                )

    def _find(self, name: str, key: str) -> str | None:
        self._claim(name, key)
        each = variable(name, key)
        for variables in (self._variables, self._file_variables):
            if each in variables:
                return variables[each]
        for folder in self._folders:
            value = _read_file(folder / name / key)
            if value is not None:
                return value
        for known in (self._secrets, self._extra):
            if name in known and key in known[name]:
                return known[name][key]
        return None

    def _known_keys(self, name: str) -> set[str]:
        keys = set(self._secrets.get(name, ())) | set(self._extra.get(name, ()))
        with self._lock:
            owners = [owner for group in self._owners.values() for owner in group]
        keys |= {key for owner, key in owners if owner == name and self._is_set(owner, key)}
        for folder in self._folders:
            try:
                entries = list((folder / name).iterdir())
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as exc:
                raise StoreError(f"can't list the secret folder {folder / name}: {exc.strerror}") from exc
            # Kubernetes keeps its own versions in folders that begin with `..`.
            keys |= {entry.name for entry in entries if not entry.name.startswith("..") and entry.is_file()}
        return keys

    def _is_set(self, name: str, key: str) -> bool:
        each = variable(name, key)
        return each in self._variables or each in self._file_variables

    def _not_found(self, name: str, key: str) -> NotFound:
        each = variable(name, key)
        what = f"secret {name!r} has no key {key!r}" if key else f"secret {name!r} is not there"
        looked = [f"environment variable {each}" + ("" if key else "*")]
        if self._env_file:
            looked.append(f"env file {self._env_file}")
        looked += [f"file {folder / name / key}" for folder in self._folders]
        keys = sorted(set(self._secrets.get(name, ())) | set(self._extra.get(name, ())))
        if keys:
            looked.append(f"document Secret {name!r} (its keys: {', '.join(keys)})")
        elif self._secrets:
            looked.append(f"documents of kind Secret ({', '.join(sorted(self._secrets))})")
        else:
            looked.append("documents of kind Secret (there are none)")
        guess = nearest(key, keys) if keys else nearest(name, self._secrets)
        fix = f"export {each}=..." if key else f"add a `kind: Secret` document named {name!r} by --with"
        return NotFound(f"{what}; looked at: {'; '.join(looked)}", hint=f"{guess} {fix}".strip())


def _read_file(path: Path) -> str | None:
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise StoreError(f"can't read the secret file {path}: {exc.strerror}", hint="check its owner and mode") from exc
    text = as_text(data)
    return text[: -2 if text.endswith("\r\n") else -1] if text.endswith("\n") else text


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines: blank lines, `#` comments and a leading `export` are allowed, quotes around a value fall away."""
    try:
        text = as_text(path.read_bytes())
    except OSError as exc:
        raise UsageError(f"can't read the env file {path}: {exc.strerror}") from exc
    variables: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip().removeprefix("export ").strip()
        if not entry or entry.startswith("#"):
            continue
        name, equals, value = entry.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
            # The line itself is not shown: it may hold a secret.
            raise UsageError(f"{path}:{number}: not a NAME=value line", hint=f"write {PREFIX}<NAME>_<KEY>=value")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        variables[name] = value
    return variables
