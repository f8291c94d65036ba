"""Who may use the page: the address it is opened at, the reporter's secret chat, the key of the desk."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SHORTEST_STAFF_KEY = 16
DESK_STAYS_OPEN = timedelta(days=14)
CHAT_COOKIE = "chat"
_CHAT = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True)
class Public:
    """The page for real reporters, at one address of the world; `staff_keys` opens the desks."""

    origin: str
    """Scheme, host and port as browsers see them, like `https://chat.example.org`."""
    staff_keys: Mapping[str, str] = field(default_factory=dict)
    """Contact point -> the key of its desk. A contact point without a key has no desk on the web."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or self.origin != _origin(self.origin):
            raise ValueError(f"The address of the web page must look like https://chat.example.org: {self.origin!r}.")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError(f"The web page needs https outside this computer: {self.origin!r}.")
        for contact_point, key in self.staff_keys.items():
            if len(key) < SHORTEST_STAFF_KEY:
                raise ValueError(f"The staff key of {contact_point} needs {SHORTEST_STAFF_KEY} characters or more.")

    @property
    def secure(self) -> bool:
        return self.origin.startswith("https:")

    def speaks_to(self, host: str) -> bool:
        """Whether the Host header is ours; anything else may be DNS rebinding."""
        return host.lower() == urlsplit(self.origin).netloc.lower()

    def comes_from_us(self, host: str, origin: str) -> bool:
        return hmac.compare_digest(origin.lower().encode(), self.origin.lower().encode())

    def key_opens(self, contact_point: str, key: str) -> bool:
        """Compares in constant time, also where the contact point has no key."""
        ours = self.staff_keys.get(contact_point) or secrets.token_urlsafe(32)
        return hmac.compare_digest(_digest(ours), _digest(key))

    def ticket(self, contact_point: str, now: datetime) -> str:
        """What the cookie of the desk holds: a time limit, signed with the staff key."""
        until = str(int((now + DESK_STAYS_OPEN).timestamp()))
        return f"{until}.{self._signature(contact_point, until)}"

    def ticket_opens(self, contact_point: str, ticket: str, now: datetime) -> bool:
        until, _, signature = ticket.partition(".")
        if contact_point not in self.staff_keys or not until.isascii() or not until.isdigit():
            return False
        genuine = hmac.compare_digest(self._signature(contact_point, until).encode(), signature.encode())
        return genuine and now.timestamp() < int(until)

    def _signature(self, contact_point: str, until: str) -> str:
        key = _digest(self.staff_keys[contact_point])
        return hmac.new(key, f"desk/{contact_point}/{until}".encode(), hashlib.sha256).hexdigest()


def new_chat() -> str:
    """The secret address of a reporter's chat: 128 random bits."""
    return secrets.token_urlsafe(16)


def is_chat(value: str) -> bool:
    """Whether a cookie holds the address of a chat at all."""
    return _CHAT.fullmatch(value) is not None


def desk_cookie(contact_point: str) -> str:
    """The name of the cookie that keeps a desk open."""
    return f"desk-{contact_point}"


def is_loopback(host: str) -> bool:
    """Whether the Host header names this computer itself."""
    return (urlsplit(f"//{host}").hostname or "") in LOOPBACK


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()
