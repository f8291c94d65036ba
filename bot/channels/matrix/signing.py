"""Cross-signing: the bot vouches for its own device, and looks at who vouches for the devices of others.

https://spec.matrix.org/v1.16/client-server-api/#cross-signing. Apps that follow MSC4153 neither read nor write to a
device that its owner has not signed.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.channels.matrix.memory import Seeds

_USAGES: Final = {"master": "master", "self_signing": "self_signing", "user_signing": "user_signing"}


def new_seeds() -> Seeds:
    """Three new keys."""
    return Seeds(*(os.urandom(32).hex() for _ in range(3)))


def public_keys(user: str, seeds: Seeds) -> dict[str, Any]:
    """What is uploaded once, by the names of the request; the master key has signed the other two."""
    keys = {name: _key_object(user, name, getattr(seeds, name)) for name in _USAGES}
    for name in ("self_signing", "user_signing"):
        _sign(keys[name], user, seeds.master)
    return {f"{name}_key": key for name, key in keys.items()}


def master_key(seeds: Seeds) -> str:
    """The public half of the master key, by which others know the account."""
    return _public(seeds.master)


def signed_device(user: str, device: Mapping[str, Any], seeds: Seeds) -> dict[str, Any]:
    """The keys of a device with the account's signature."""
    signed = {key: value for key, value in device.items() if key != "unsigned"}
    signed["signatures"] = {}
    _sign(signed, user, seeds.self_signing)
    return signed


def signs_devices(user: str, found: Mapping[str, Any]) -> str | None:
    """The key by which somebody signs devices, if they have one that their master key vouches for.

    `found` is the answer to `/keys/query`.
    """
    master = _only_key(found.get("master_keys", {}).get(user))
    self_signing = found.get("self_signing_keys", {}).get(user)
    key = _only_key(self_signing)
    if not (master and key and is_signed(self_signing, user, master)):
        return None
    return key


def is_signed(thing: Mapping[str, Any], user: str, key: str) -> bool:
    """Whether a key of this user has signed it."""
    try:
        signature = _decoded(thing["signatures"][user][f"ed25519:{key}"])
        Ed25519PublicKey.from_public_bytes(_decoded(key)).verify(signature, _canonical(thing))
    except (KeyError, TypeError, ValueError, InvalidSignature):
        return False
    return True


def _only_key(thing: Any) -> str | None:
    try:
        (key,) = thing["keys"].values()
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return key if isinstance(key, str) else None


def _key_object(user: str, usage: str, seed: str) -> dict[str, Any]:
    public = _public(seed)
    return {"user_id": user, "usage": [usage], "keys": {f"ed25519:{public}": public}}


def _sign(thing: dict[str, Any], user: str, seed: str) -> None:
    signature = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)).sign(_canonical(thing))
    thing.setdefault("signatures", {}).setdefault(user, {})[f"ed25519:{_public(seed)}"] = _encoded(signature)


def _public(seed: str) -> str:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)).public_key()
    return _encoded(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def _canonical(thing: Mapping[str, Any]) -> bytes:
    """https://spec.matrix.org/v1.16/appendices/#canonical-json, without what is never signed."""
    bare = {key: value for key, value in thing.items() if key not in ("signatures", "unsigned")}
    return json.dumps(bare, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError from error
