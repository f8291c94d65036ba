"""The lines channel: one JSON object a line, in and out; a fixed interface (docs/lines.md)."""

from __future__ import annotations

import base64
import binascii
import json
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final

from bot.delivery import Delivery, Pace
from bot.messages import MEDIA_KINDS, Inbound, Media

ACCOUNT: Final = "lines"

LONGEST_LINE: Final = 30_000_000
"""Bytes; a photo of 20 MB fits."""


class BadLine(Exception):
    """A line that is not understood; its text is the sentence to answer."""


@dataclass(frozen=True)
class SetTime:
    """A line that moves a manual clock."""

    id: str
    now: datetime


_CHAT: Final[Mapping[str, type]] = {
    "id": str,
    "chat": str,
    "text": str,
    "choice": str,
    "media": dict,
    "edit": str,
    "language": str,
}
_DESK: Final[Mapping[str, type]] = {
    "id": str,
    "desk": str,
    "by": str,
    "thread": str,
    "text": str,
    "choice": str,
    "edit": str,
    "media": dict,
}
_TIME: Final[Mapping[str, type]] = {"id": str, "now": str}


class LineReader:
    """Turns lines into messages; which contact point a private chat belongs to is not for a channel to know."""

    def __init__(self, desks: Collection[str], *, manual_clock: bool) -> None:
        self._desks = desks
        self._manual_clock = manual_clock

    def read(self, line: bytes) -> Inbound | SetTime:
        """Raises BadLine."""
        data = _json(line)
        if "now" in data:
            return self._time(data)
        if "desk" in data or "by" in data:
            return self._desk(data)
        return self._chat(data)

    def _time(self, data: Mapping[str, Any]) -> SetTime:
        _check(data, _TIME, required=("id", "now"))
        if not self._manual_clock:
            raise BadLine("This line needs the option --clock manual.")
        try:
            now = datetime.fromisoformat(data["now"])
        except ValueError:
            raise BadLine('The field "now" is no time like 2026-11-24T09:00:00+01:00.') from None
        if now.tzinfo is None:
            raise BadLine('The time in "now" has no offset like +01:00.')
        if not 2000 <= now.year < 2200:
            raise BadLine('The time in "now" is not between the years 2000 and 2199.')
        return SetTime(data["id"], now)

    def _desk(self, data: Mapping[str, Any]) -> Inbound:
        _check(data, _DESK, required=("id", "desk", "by"))
        _one_content(data)
        if data["desk"] not in self._desks:
            raise BadLine(f'There is no contact point "{data["desk"][:40]}".')
        if not data["by"].strip():
            raise BadLine('The field "by" is empty.')
        return Inbound(
            contact_point=data["desk"],
            account=ACCOUNT,
            message_id=data["id"],
            text=data.get("text", ""),
            choice=data.get("choice", ""),
            edits=data.get("edit", ""),
            by=data["by"].strip(),
            thread=data.get("thread", ""),
            media=_media(data["media"]) if "media" in data else None,
        )

    def _chat(self, data: Mapping[str, Any]) -> Inbound:
        _check(data, _CHAT, required=("id", "chat"))
        _one_content(data)
        if not data["chat"]:
            raise BadLine('The field "chat" is empty.')
        return Inbound(
            contact_point="",
            account=ACCOUNT,
            message_id=data["id"],
            chat=data["chat"],
            text=data.get("text", ""),
            choice=data.get("choice", ""),
            edits=data.get("edit", ""),
            language=data.get("language", ""),
            media=_media(data["media"]) if "media" in data else None,
        )


def _json(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise BadLine("The line is too long.")
    try:
        data = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadLine("The line is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise BadLine("The line is no JSON object.") from None
    if not isinstance(data, dict):
        raise BadLine("The line is no JSON object.")
    return data


def _check(data: Mapping[str, Any], fields: Mapping[str, type], required: tuple[str, ...]) -> None:
    for name in required:
        if name not in data:
            raise BadLine(f'The field "{name}" is missing.')
    for name, value in data.items():
        if name not in fields:
            raise BadLine(f'The field "{name[:40]}" is unknown.')
        if not isinstance(value, fields[name]):
            kind = "an object" if fields[name] is dict else "a text"
            raise BadLine(f'The field "{name}" must be {kind}.')
        if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
            raise BadLine(f'The field "{name}" is no valid text.')
    if not data["id"]:
        raise BadLine('The field "id" is empty.')


def _one_content(data: Mapping[str, Any]) -> None:
    if not any(name in data for name in ("text", "choice", "media")):
        raise BadLine('The line needs one of the fields "text", "choice" or "media".')
    if "choice" in data and ("text" in data or "media" in data or "edit" in data):
        raise BadLine('The field "choice" stands alone.')
    if "edit" in data and "text" not in data:
        raise BadLine('The field "edit" needs the field "text".')


def _media(data: Mapping[str, Any]) -> Media:
    kind = data.get("kind")
    if kind not in MEDIA_KINDS:
        raise BadLine(f'The field "media.kind" must be one of {", ".join(MEDIA_KINDS)}.')
    for name, value in data.items():
        if name in ("latitude", "longitude"):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise BadLine(f'The field "media.{name}" must be a number.')
        elif name not in ("kind", "name", "type", "base64", "phone"):
            raise BadLine(f'The field "media.{name[:40]}" is unknown.')
        elif not isinstance(value, str):
            raise BadLine(f'The field "media.{name}" must be a text.')
    try:
        content = base64.b64decode(data.get("base64", ""), validate=True)
    except (binascii.Error, ValueError):
        raise BadLine('The field "media.base64" is not base64.') from None
    return Media(kind, data.get("name", ""), data.get("type", ""), content)


def line_of(delivery: Delivery) -> dict[str, Any]:
    """A message as the object to write."""
    message = delivery.message
    line: dict[str, Any] = {"to": delivery.chat} if delivery.chat else {"desk": delivery.contact_point}
    if message.thread:
        line["thread"] = message.thread
    line["message"] = delivery.replaces or f"o{delivery.id}"
    line["text"] = message.text
    if message.flow:
        line |= {"flow": message.flow, "ask": message.ask}
    if message.options:
        line["options"] = [{"id": option.id, "label": option.label} for option in message.options]
    if message.file is not None:
        line["file"] = {
            "name": message.file.name,
            "type": message.file.type,
            "base64": base64.b64encode(message.file.data).decode(),
        }
    if delivery.replaces:
        line["edited"] = True
    return line


class LinesChannel:
    """Writes messages as lines."""

    pace = Pace(at_once=1)
    knows_repeats = False

    def __init__(self, out: BinaryIO | None = None) -> None:
        self._out = out or sys.stdout.buffer

    async def send(self, delivery: Delivery) -> str:
        self.write_out(delivery)
        return self.name_of(delivery)

    def write_out(self, delivery: Delivery) -> None:
        self.write(line_of(delivery))

    def name_of(self, delivery: Delivery) -> str:
        return delivery.replaces or f"o{delivery.id}"

    def write(self, line: Mapping[str, Any]) -> None:
        """Writes one line, whole, at once."""
        self._out.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        self._out.flush()


async def speak_lines(
    lines: Callable[[], Awaitable[Sequence[bytes]]],
    reader: LineReader,
    channel: LinesChannel,
    *,
    answer: Callable[[Sequence[Inbound]], Awaitable[None]],
    set_time: Callable[[SetTime], Awaitable[None]],
) -> None:
    """Reads all lines that are at hand, again and again, until one is empty.

    Each is answered with `done` once all that it led to is committed and written, which `answer` and `set_time` see
    to; lines that came together are worked through together.
    """
    group: list[Inbound] = []

    async def done() -> None:
        if group:
            await answer(tuple(group))
            for each in group:
                channel.write({"done": each.message_id})
            group.clear()

    await answer(())
    number = 0
    while True:
        for line in await lines():
            if not line:
                await done()
                return
            number += 1
            if not line.strip():
                continue
            try:
                message = reader.read(line)
            except BadLine as wrong:
                await done()
                channel.write({"error": str(wrong), "line": number})
                continue
            if isinstance(message, SetTime):
                await done()
                await set_time(message)
                channel.write({"done": message.id})
            else:
                group.append(message)
        await done()
