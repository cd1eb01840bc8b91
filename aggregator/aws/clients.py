"""The factory of AWS clients: one cached, thread-safe client for all calls that are made alike."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from aggregator.aws.access import Access

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aggregator.aws.sessions import AwsClient, Sessions

READ_TIMEOUT = 60.0
CONNECT_TIMEOUT = 10.0


class AwsClients:
    """Hands out clients; boto3 is imported with the first one.

    `endpoint` is the sandbox's: it stands in for AWS itself, with `sandbox_keys` for calls whose YAML names no keys, so that
    the user's own credentials never go there. An endpoint of the user's own that is not AWS is left alone.
    `learn` is told every secret key and token that boto3 found, so that they can be masked.
    """

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        sandbox_keys: tuple[str, str] = ("AGGSANDBOXKEY", "agg-sandbox-secret-key"),
        environ: Mapping[str, str] | None = None,
        region: str = "",
        learn: Callable[[str], None] | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        self.endpoint = endpoint or ""
        self.sandbox_keys = sandbox_keys
        self.environ = os.environ if environ is None else environ
        self.region = region
        self.learn = learn or (lambda _value: None)
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self._lock = threading.RLock()
        self._sessions: Sessions | None = None
        self._clients: dict[tuple[str, Access, float], AwsClient] = {}

    def client(self, service: str, access: Access | None = None, *, read_timeout: float | None = None) -> AwsClient:
        """The client of `service` (`s3`, `sns`, ...) for this access; StoreError or TransientError when there can be none."""
        key = (service, access or Access(), self.read_timeout if read_timeout is None else read_timeout)
        found = self._clients.get(key)
        if found is None:
            with self._lock:  # neither boto3's sessions nor the making of clients are thread-safe; the clients are
                found = self._clients.get(key)
                if found is None:
                    if self._sessions is None:
                        from aggregator.aws.sessions import Sessions  # noqa: PLC0415 - boto3 costs 0.2 s: on use only

                        self._sessions = Sessions(self)
                    found = self._clients[key] = self._sessions.connect(*key)
        return found

    def close(self) -> None:
        """Close all connections and remove the certificates that were written out for them."""
        with self._lock:
            for client in self._clients.values():
                client.api.close()
            self._clients.clear()
            if self._sessions is not None:
                self._sessions.close()
                self._sessions = None
