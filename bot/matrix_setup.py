"""What is done once about an account on Matrix: log it in, make it vouch for its device, look at it, make a desk."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import aiohttp
from sqlalchemy.orm import Session

from bot.channels.matrix.answers import Failed
from bot.channels.matrix.client import Client
from bot.channels.matrix.keys import KeyStore
from bot.channels.matrix.memory import Change, Kind, Login, Room
from bot.channels.matrix.new_room import desk_room
from bot.channels.matrix.signing import is_signed, master_key, new_seeds, public_keys, signed_device, signs_devices
from bot.contact_point import ContactPoint
from bot.i18n import _, render
from bot.matrix_bots import account_of, passphrase_of
from bot.matrix_memory import login_of, secret_of
from bot.settings import SettingsError
from storage import matrix
from storage.database import Database

DEVICE: Final = "Anlaufstelle"
"""How the device is called where people look at it."""
SECONDS: Final = 30

T = TypeVar("T")


async def log_in(database: Database, point: ContactPoint, password: str, now: datetime) -> list[str]:
    """A new device of the account, signed by it; the one before is deleted. Raises SettingsError."""
    return await _told(point, _log_in(database, point, password, now))


async def _log_in(database: Database, point: ContactPoint, password: str, now: datetime) -> list[str]:
    account = account_of(point)
    before = await _stored(database, point)
    rules = point.matrix
    proof = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": rules.user},
        "password": password,
    }
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as web:
        given = await _post(web, rules.homeserver, "/_matrix/client/v3/login", {
            **proof, "initial_device_display_name": DEVICE,
        })  # fmt: skip
    if given.get("user_id") != rules.user:
        raise SettingsError(f"{point.id}: the homeserver knows this account as {given.get('user_id')}.")
    seeds = before.seeds if before is not None else new_seeds()
    login = Login(given["user_id"], given["device_id"], given["access_token"], seeds)
    client = Client(rules.homeserver, login, _Quiet(passphrase_of(database, account)), _keep_nothing)
    try:
        await client.upload_keys()
        said = [f"{point.id}: logged in as {rules.user}, device {login.device_id}"]
        said += [f"{point.id}: {each}" for each in await _vouch(client, login, proof)]
        starts = await client.starts()
        since, invited = await _now(client)

        def keep(session: Session) -> None:
            matrix.log_in(session, point.id, account, login.device_id, secret_of(login), starts, since)
            for each in invited if point.matrix.people else ():
                matrix.keep_room(session, point.id, account, each.id, asdict(each))
            matrix.keep_keys(session, point.id, account, client.keys.take(), now)

        await _in(database, point, keep)
        if before is not None:
            await _delete_device(client, before.device_id, proof)
            said.append(f"{point.id}: the device {before.device_id} is deleted")
    finally:
        await client.close()
    return said


class _Quiet(KeyStore):
    """Keeps everything until the end, when it is stored together with the login, or not at all."""

    @property
    def changed(self) -> bool:
        return False


async def _keep_nothing(changes: Sequence[Change]) -> None:
    pass


async def _vouch(client: Client, login: Login, proof: dict[str, Any]) -> list[str]:
    """Makes the account's signing keys known, if they are not, and signs the device with them."""
    found = await client.ask("POST", "/_matrix/client/v3/keys/query", {"device_keys": {login.user_id: []}})
    master = found.get("master_keys", {}).get(login.user_id, {}).get("keys", {})
    said = []
    if master_key(login.seeds) not in master.values():
        await _with_proof(
            client, "/_matrix/client/v3/keys/device_signing/upload", public_keys(login.user_id, login.seeds), proof
        )
        said.append("new keys to sign devices" + (": people see that the identity has changed" if master else ""))
    device = found["device_keys"][login.user_id][login.device_id]
    signed = signed_device(login.user_id, device, login.seeds)
    body = {login.user_id: {login.device_id: signed}}
    answer = await client.ask("POST", "/_matrix/client/v3/keys/signatures/upload", body)
    if answer.get("failures"):
        raise Failed("M_INVALID_SIGNATURE")
    return [*said, "the device is signed"]


async def _with_proof(client: Client, path: str, body: dict[str, Any], proof: dict[str, Any]) -> None:
    """A request for which the homeserver may want the password once more."""
    headers = {"Authorization": f"Bearer {client.access_token}", "Content-Type": "application/json"}
    answer = await client.send("POST", path, json.dumps(body), headers)
    if answer.status == 401 and "session" in (found := await answer.json()):
        await client.ask("POST", path, {**body, "auth": {**proof, "session": found["session"]}})
    elif answer.status != 200:
        raise Failed(str((await answer.json()).get("errcode", "")))


async def _delete_device(client: Client, device: str, proof: dict[str, Any]) -> None:
    await _with_proof(client, "/_matrix/client/v3/delete_devices", {"devices": [device]}, proof)


async def _now(client: Client) -> tuple[str, list[Room]]:
    """The token of this moment, and the invitations until then, which are told without a token only.

    What was said before is not for the bot.
    """
    nothing = json.dumps({"room": {"timeline": {"limit": 0}, "state": {"types": []}}, "presence": {"types": []}})
    answer = await client.ask("GET", f"/_matrix/client/v3/sync?filter={quote(nothing, safe='')}")
    invited = [
        Room(room, Kind.INVITED, str(event.get("sender", "")))
        for room, told in answer.get("rooms", {}).get("invite", {}).items()
        for event in told.get("invite_state", {}).get("events", ())
        if event.get("type") == "m.room.member" and event.get("state_key") == client.user_id
    ]
    return str(answer["next_batch"]), invited


@dataclass(frozen=True)
class Finding:
    """One line of the check; `ok` is False for what somebody must do something about."""

    ok: bool
    text: str


async def check(database: Database, point: ContactPoint) -> list[Finding]:
    """How others see the bot; raises SettingsError."""
    return await _told(point, _check(database, point))


async def _check(database: Database, point: ContactPoint) -> list[Finding]:
    async with _client(database, point) as (client, login):
        me = await client.ask("GET", "/_matrix/client/v3/account/whoami")
        found = await client.ask("POST", "/_matrix/client/v3/keys/query", {"device_keys": {login.user_id: []}})
        key = signs_devices(login.user_id, found)
        device = found.get("device_keys", {}).get(login.user_id, {}).get(login.device_id)
        signed = bool(key and device and is_signed(device, login.user_id, key))
        ours = master_key(login.seeds) in found.get("master_keys", {}).get(login.user_id, {}).get("keys", {}).values()
        joined = (await client.ask("GET", "/_matrix/client/v3/joined_rooms"))["joined_rooms"]
        starts = await client.starts()
        devices = (await client.ask("GET", "/_matrix/client/v3/devices"))["devices"]

        def look(session: Session) -> tuple[list[Any], str | None, int]:
            row = matrix.login(session, account_of(point))
            waiting = len(matrix.waiting(session, account_of(point)))
            return matrix.rooms(session, account_of(point)), row.desk if row is not None else None, waiting

        rooms, desk, waiting = await _in(database, point, look)
        invited = sum(each["kind"] == Kind.INVITED for each in rooms)
        login_again = f"run anlaufstelle matrix login {point.id}"
        findings = [
            Finding(me.get("device_id") == login.device_id, f"account {login.user_id}, device {login.device_id}"),
            Finding(signed and ours, "the device is signed" if signed and ours else f"not signed: {login_again}"),
            Finding(
                starts <= login.starts,
                "the database is the newest" if starts <= login.starts else f"the database is old: {login_again}",
            ),
            Finding(len(devices) == 1, f"devices of this account: {len(devices)}" + (
                "" if len(devices) == 1 else " (the others get every message as well: log them out)"
            )),
            Finding(True, f"rooms: {len(joined)}, invitations: {invited}"),
            Finding(not waiting, f"messages that cannot be read: {waiting}"),
        ]  # fmt: skip
        if point.matrix.desk_content != "none":
            findings.append(await _desk_finding(client, point, desk, joined))
        return [Finding(each.ok, f"{point.id}: {each.text}") for each in findings]


async def _desk_finding(client: Client, point: ContactPoint, desk: str | None, joined: Sequence[str]) -> Finding:
    make = f"run anlaufstelle matrix desk {point.id} @kim:example.org"
    if desk is None:
        return Finding(False, f"there is no room for the desk: {make}")
    if desk not in joined:
        return Finding(False, f"the bot is not in the desk's room: invite it again, or {make}")
    try:
        await client.ask("GET", f"/_matrix/client/v3/rooms/{quote(desk, safe='')}/state/m.room.encryption")
    except Failed as error:
        if error.code == "M_NOT_FOUND":
            return Finding(False, "the desk's room is not encrypted: switch encryption on in its settings")
        raise
    members = (await client.ask("GET", f"/_matrix/client/v3/rooms/{quote(desk, safe='')}/joined_members"))["joined"]
    found = await client.ask("POST", "/_matrix/client/v3/keys/query", {"device_keys": dict.fromkeys(members, ())})
    bare, unsigned = 0, 0
    for user in members:
        key = signs_devices(user, found)
        devices = found.get("device_keys", {}).get(user, {}).values()
        bare += key is None
        unsigned += sum(1 for each in devices if key is not None and not is_signed(each, user, key))
    if bare:
        return Finding(False, f"desk: {len(members) - 1} members; {bare} of them sign no devices: all devices get all")
    text = f"desk: {len(members) - 1} members, all sign their devices; devices left out because unsigned: {unsigned}"
    return Finding(not unsigned, text)


async def make_desk(database: Database, point: ContactPoint, staff: Sequence[str]) -> str:
    """An encrypted room, which staff are invited to, as the desk; raises SettingsError. Returns the room."""
    return await _told(point, _make_desk(database, point, staff))


async def _make_desk(database: Database, point: ContactPoint, staff: Sequence[str]) -> str:
    async with _client(database, point) as (client, _login):
        name = render(_("Team {name}", name=point.name), point.languages.desk)
        made = await client.ask("POST", "/_matrix/client/v3/createRoom", desk_room(name, staff))
        room = str(made["room_id"])

        def keep(session: Session) -> None:
            row = matrix.login(session, account_of(point))
            if row is not None:
                row.desk = room

        await _in(database, point, keep)
        return room


async def _stored(database: Database, point: ContactPoint) -> Login | None:
    return await _in(database, point, lambda session: login_of(session, account_of(point)))


async def _in(database: Database, point: ContactPoint, act: Callable[[Session], T]) -> T:
    def work() -> T:
        with database.transaction(point.id) as session:
            return act(session)

    return await database.run(work)


@asynccontextmanager
async def _client(database: Database, point: ContactPoint) -> AsyncIterator[tuple[Client, Login]]:
    """For requests that have to do with no keys."""
    login = await _stored(database, point)
    if login is None:
        raise SettingsError(f"{point.id}: not logged in. Run anlaufstelle matrix login {point.id}")

    client = Client(point.matrix.homeserver, login, _Quiet(""), _keep_nothing)
    try:
        yield client, login
    finally:
        await client.close()


async def _post(web: aiohttp.ClientSession, homeserver: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    try:
        async with web.post(homeserver + path, json=body) as answer:
            found: dict[str, Any] = await answer.json(content_type=None)
            if answer.status != 200:
                raise Failed(str(found.get("errcode", "")), float(found.get("retry_after_ms") or 0) / 1000)
            return found
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Failed from error


async def _told(point: ContactPoint, act: Awaitable[T]) -> T:
    try:
        return await act
    except Failed as failed:
        raise SettingsError(f"{point.id}: {_SAID.get(failed.code) or _unknown(failed)}") from None


_SAID: Final = {
    "M_FORBIDDEN": "the homeserver refuses: the password is wrong, or the account may not do that.",
    "M_UNKNOWN_TOKEN": "the homeserver refuses the login: log in again.",
    "M_LIMIT_EXCEEDED": "the homeserver wants to be left alone for a while: try again in some minutes.",
    "M_USER_DEACTIVATED": "the account is switched off.",
}


def _unknown(failed: Failed) -> str:
    return f"the homeserver does not answer{f' ({failed.code})' if failed.code else ''}. Try again."
