"""Texts and their formatting, as Telegram cleans, measures and parses them."""

from __future__ import annotations

import html
import re
from typing import Any

from tests.telegram_server.errors import bad

TEXT, CAPTION = 4096, 1024

TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre",
    "a": "text_link", "blockquote": "blockquote", "tg-spoiler": "spoiler", "span": "spoiler", "tg-emoji": "custom_emoji",
}  # fmt: skip
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s+[a-zA-Z-]+(?:=(?:\"[^\"]*\"|'[^']*'|[^\s>]*))?)*)\s*>")
ENTITY = re.compile(r"&(lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")
ATTRIBUTE = re.compile(r"([a-zA-Z-]+)=(?:\"([^\"]*)\"|'([^']*)'|([^\s>]*))")
COMMAND = re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,32}(?:@[A-Za-z0-9_]{3,32})?\b")
URL = re.compile(r"\bhttps?://[^\s<>\"]*[^\s<>\".,;:!?)]")
RESERVED = "_*[]()~`>#+-=|{}.!"
MARKS = {
    "*": "bold",
    "__": "underline",
    "_": "italic",
    "~": "strikethrough",
    "||": "spoiler",
    "`": "code",
    "```": "pre",
}
OLD_MARKS = {"*": "bold", "_": "italic", "`": "code", "```": "pre"}


def length(text: str) -> int:
    """In UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_unicode(value: Any) -> None:
    """Refuses half characters anywhere within."""
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise bad("strings must be encoded in UTF-8")
    elif isinstance(value, dict):
        for name, each in value.items():
            check_unicode(name)
            check_unicode(each)
    elif isinstance(value, list):
        for each in value:
            check_unicode(each)


def clean(text: str) -> str:
    """Without what Telegram takes out."""
    text = text.replace("\r", "")
    text = "".join(" " if character < " " and character != "\n" else character for character in text)
    return re.sub("[\u2028-\u202e]", "", text)


def formatted(
    text: str, parse_mode: str, entities: list[dict[str, Any]] | None, *, limit: int
) -> tuple[str, list[dict[str, Any]]]:
    """The text as it will be seen, and its entities."""
    mode = parse_mode.lower()
    found: list[dict[str, Any]] = []
    if mode == "html":
        text, found = _html(text)
    elif mode in {"markdown", "markdownv2"}:
        text, found = _markdown(text, MARKS if mode == "markdownv2" else OLD_MARKS, strict=mode == "markdownv2")
    elif mode not in {"", "none"}:
        raise bad("unsupported parse_mode")
    elif entities:
        found = [_entity(each, text) for each in entities]
    cleaned = clean(text)
    leading = length(cleaned) - length(cleaned.lstrip())
    cleaned = cleaned.strip()
    if length(cleaned) > limit:
        raise bad("message is too long" if limit == TEXT else "message caption is too long")
    end = length(cleaned)
    kept = []
    for each in found:
        start, stop = max(0, each["offset"] - leading), min(end, each["offset"] - leading + each["length"])
        if stop > start:
            kept.append({**each, "offset": start, "length": stop - start})
    return cleaned, [*kept, *(each for each in detected(cleaned) if not _overlaps(each, kept))]


def detected(text: str) -> list[dict[str, Any]]:
    """What Telegram marks by itself: commands and addresses."""
    found = [("bot_command", match) for match in COMMAND.finditer(text)]
    links = [("url", match) for match in URL.finditer(text)]
    outside = [
        (kind, match)
        for kind, match in found
        if not any(link.start() <= match.start() < link.end() for _kind, link in links)
    ]
    return [
        {"type": kind, "offset": length(text[: match.start()]), "length": length(match.group())}
        for kind, match in sorted([*outside, *links], key=lambda each: each[1].start())
    ]


def _overlaps(entity: dict[str, Any], others: list[dict[str, Any]]) -> bool:
    opaque = [each for each in others if each["type"] in {"code", "pre", "text_link"}]
    return any(
        each["offset"] < entity["offset"] + entity["length"] and entity["offset"] < each["offset"] + each["length"]
        for each in opaque
    )


def _entity(entity: Any, text: str) -> dict[str, Any]:
    if not isinstance(entity, dict) or not isinstance(entity.get("type"), str):
        raise bad("can't parse MessageEntity: Can't find field \"type\"")
    for name in ("offset", "length"):
        if not isinstance(entity.get(name), int):
            raise bad(f'can\'t parse MessageEntity: Field "{name}" must be of type Number')
    if entity["offset"] < 0 or entity["length"] < 0 or entity["offset"] + entity["length"] > length(text):
        raise bad(f"entity beginning at UTF-16 offset {entity['offset']} ends after the end of the text")
    return entity


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _html(text: str) -> tuple[str, list[dict[str, Any]]]:
    out, found = "", []
    opened: list[tuple[str, int, int, str]] = []
    at = 0
    while at < len(text):
        if text[at] == "&" and (entity := ENTITY.match(text, at)):
            out += html.unescape(entity.group())
            at = entity.end()
        elif text[at] != "<":
            out += text[at]
            at += 1
        else:
            offset = _bytes(text[:at])
            match = TAG.match(text, at)
            if match is None:
                name = re.match(r"</?([^\s>]*)", text[at:])
                raise bad(
                    f'can\'t parse entities: Unsupported start tag "{name[1] if name else ""}" at byte offset {offset}'
                )
            closing, tag, attributes = match[1], match[2].lower(), match[3]
            at = match.end()
            if not closing:
                if tag not in TAGS or (tag == "span" and "tg-spoiler" not in attributes):
                    raise bad(f'can\'t parse entities: Unsupported start tag "{tag}" at byte offset {offset}')
                opened.append((tag, length(out), offset, attributes))
                continue
            if not opened:
                raise bad(f"can't parse entities: Unexpected end tag at byte offset {offset}")
            expected, start, _offset, attributes = opened.pop()
            if tag != expected:
                raise bad(
                    f'can\'t parse entities: Unmatched end tag at byte offset {offset}, expected "</{expected}>", found "</{tag}>"'
                )
            values = {name: a or b or c for name, a, b, c in ATTRIBUTE.findall(attributes)}
            more = {"url": html.unescape(values["href"])} if "href" in values else {}
            found.append({"type": TAGS[tag], "offset": start, "length": length(out) - start, **more})
    if opened:
        raise bad(f"can't parse entities: Can't find end tag corresponding to start tag \"{opened[-1][0]}\"")
    return out, sorted(found, key=lambda each: (each["offset"], -each["length"]))


def _markdown(text: str, marks: dict[str, str], *, strict: bool) -> tuple[str, list[dict[str, Any]]]:
    out, found = "", []
    opened: list[tuple[str, int, int]] = []
    at = 0
    while at < len(text):
        character = text[at]
        if character == "\\" and text[at + 1 : at + 2] and (text[at + 1] in RESERVED or strict):
            out += text[at + 1]
            at += 2
            continue
        mark = next((mark for mark in sorted(marks, key=len, reverse=True) if text.startswith(mark, at)), None)
        literal = opened and opened[-1][0] in {"`", "```"}
        if mark and (not literal or mark == opened[-1][0]):
            if opened and opened[-1][0] == mark:
                _mark, start, _offset = opened.pop()
                found.append({"type": marks[mark], "offset": start, "length": length(out) - start})
            elif strict or not opened:
                opened.append((mark, length(out), _bytes(text[:at])))
            at += len(mark)
            continue
        if character == "[" and not literal and (link := re.match(r"\[([^\]]*)\]\(([^)]*)\)", text[at:])):
            found.append({"type": "text_link", "offset": length(out), "length": length(link[1]), "url": link[2]})
            out += link[1]
            at += link.end()
            continue
        if strict and not literal and character in RESERVED:
            raise bad(
                f"can't parse entities: Character '{character}' is reserved and must be escaped with the preceding '\\'"
            )
        out += character
        at += 1
    if opened:
        mark, _start, offset = opened[-1]
        kind = "".join(part.capitalize() for part in marks[mark].split("_"))
        where = f"the end of {kind} entity" if strict else "end of the entity starting"
        raise bad(f"can't parse entities: Can't find {where} at byte offset {offset}")
    return out, sorted(found, key=lambda each: (each["offset"], -each["length"]))
