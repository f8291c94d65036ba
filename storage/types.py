"""Column types: what a person wrote is encrypted, and a time is UTC."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, DateTime, Dialect, Engine, Integer, LargeBinary, TypeDecorator
from sqlalchemy.sql import operators
from sqlalchemy.sql.operators import OperatorType

from storage.keys import KeyRing, UnknownKey

NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A whole number: ids grow for years. SQLite's are as long by themselves, and only an INTEGER counts up."""

_RING: Final = "anlaufstelle_key_ring"
_RENEW: Final = "anlaufstelle_newer_keys"


def use_ring(engine: Engine, ring: KeyRing) -> None:
    """Lets every encrypted column read and written through this engine use these keys."""
    setattr(engine.dialect, _RING, ring)


def ask_for_newer_keys(engine: Engine, renew: Callable[[], None]) -> None:
    """When a value has a key that is unknown, this is called, and then the value is tried once more."""
    setattr(engine.dialect, _RENEW, renew)


def ring_of(dialect: Dialect) -> KeyRing:
    """The keys given to the engine with `use_ring`."""
    ring = getattr(dialect, _RING, None)
    if not isinstance(ring, KeyRing):
        raise TypeError("This engine was given no key ring.")
    return ring


class Encrypted(TypeDecorator[Any]):
    """A column whose content cannot be read without the keys (D-30); NULL stays NULL.

    `context` is `table.column`: a value moved to another column does not decrypt. It outlives a renaming.
    """

    impl = LargeBinary
    cache_ok = True

    class Comparator(TypeDecorator.Comparator[Any]):
        def operate(self, op: OperatorType, *other: Any, **kwargs: Any) -> ColumnElement[Any]:
            if op in (operators.is_, operators.is_not) or other == (None,):
                return super().operate(op, *other, **kwargs)
            raise TypeError("An encrypted column cannot be searched or sorted; use a look-up column.")

    comparator_factory: Callable[..., Any] = Comparator

    def __init__(self, context: str) -> None:
        super().__init__()
        self.context = context
        self._context = context.encode()

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        plain = self.plain(value)
        # Nothing is no secret.
        return ring_of(dialect).encrypt(plain, self._context) if plain else plain

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        return self.value(self._decrypted(bytes(value), dialect) if value else b"")

    def _decrypted(self, token: bytes, dialect: Dialect) -> bytes:
        try:
            return ring_of(dialect).decrypt(token, self._context)
        except UnknownKey:
            renew = getattr(dialect, _RENEW, None)
            if renew is None:
                raise
            renew()
            return ring_of(dialect).decrypt(token, self._context)

    def plain(self, value: Any) -> bytes:
        """The bytes to encrypt."""
        raise NotImplementedError

    def value(self, plain: bytes) -> Any:
        """The value from the decrypted bytes."""
        raise NotImplementedError


class EncryptedText(Encrypted):
    """A `str`, encrypted."""

    cache_ok = True

    def plain(self, value: Any) -> bytes:
        if not isinstance(value, str):
            raise TypeError(f"{self.context} takes a str, not {type(value).__name__}.")
        # Messengers deliver halves of surrogate pairs; losing the whole message over one would be worse.
        return value.encode("utf-8", "surrogatepass")

    def value(self, plain: bytes) -> str:
        return plain.decode("utf-8", "surrogatepass")


class EncryptedJson(Encrypted):
    """Anything JSON knows, encrypted; assign a new value to change it, changes inside are not noticed."""

    cache_ok = True

    def plain(self, value: Any) -> bytes:
        return _JSON.encode(value).encode()

    def value(self, plain: bytes) -> Any:
        return json.loads(plain)


_JSON: Final = json.JSONEncoder(separators=(",", ":"))


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime: any zone goes in, UTC comes out; a naive one is refused with ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("A time without a zone cannot be stored.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        # SQLite keeps no zone: what went in was UTC.
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
