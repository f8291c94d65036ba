"""The load of the pool as a picture: a row for each expert, a box for each place, told apart without colour too."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from bot.i18n import Text, _, render

MOST_ROWS: Final = 40
"""More cannot be read on a phone; those with the fewest free places come first."""
MOST_BOXES: Final = 12
"""Boxes of a row; who has more places than that has them told as a number only."""

_SIZE: Final = 22
_LINE: Final = 38
_BOX: Final = 24
_LEFT: Final = 20
_NAMES: Final = 360
_WIDTH: Final = _LEFT + _NAMES + MOST_BOXES * (_BOX + 6) + 120
_INK: Final = (30, 30, 30)
_PAPER: Final = (255, 255, 255)
_TAKEN: Final = (0, 84, 140)
_ASKED: Final = (196, 118, 0)


class Load(NamedTuple):
    """What one expert has to do."""

    name: str
    running: int
    asked: int
    most: int

    @property
    def share(self) -> float:
        return (self.running + self.asked) / self.most


LEGEND: Final = (_("taken"), _("asked, no answer yet"), _("free"))


def picture(loads: Sequence[Load], title: Text, language: str) -> bytes:
    """A PNG with the fullest first."""
    shown = sorted(loads, key=lambda each: (-each.share, each.name))[:MOST_ROWS]
    font = ImageFont.load_default(_SIZE)
    image = Image.new("RGB", (_WIDTH, _LINE * (len(shown) + 3)), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((_LEFT, 8), _drawable(render(title, language)), _INK, font)
    for number, load in enumerate(shown, 1):
        _row(draw, font, number * _LINE + 8, load)
    _legend(draw, font, (len(shown) + 1) * _LINE + 20, language)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _row(draw: ImageDraw.ImageDraw, font: Font, top: int, load: Load) -> None:
    draw.text((_LEFT, top), _fitting(draw, font, load.name), _INK, font)
    left = _LEFT + _NAMES
    boxes = min(load.most, MOST_BOXES)
    kinds = ["taken"] * load.running + ["asked"] * load.asked + [""] * load.most
    for n, kind in enumerate(kinds[:boxes]):
        _box(draw, left + n * (_BOX + 6), top, kind)
    draw.text((left + boxes * (_BOX + 6) + 8, top), f"{load.running + load.asked}/{load.most}", _INK, font)


def _box(draw: ImageDraw.ImageDraw, left: int, top: int, kind: str) -> None:
    corners = (left, top, left + _BOX, top + _BOX)
    if kind == "taken":
        draw.rectangle(corners, fill=_TAKEN, outline=_INK)
        return
    draw.rectangle(corners, outline=_INK)
    if kind == "asked":
        for offset in range(6, 2 * _BOX, 6):
            begin = (left + min(offset, _BOX), top + max(0, offset - _BOX))
            end = (left + max(0, offset - _BOX), top + min(offset, _BOX))
            draw.line((*begin, *end), fill=_ASKED, width=2)


def _legend(draw: ImageDraw.ImageDraw, font: Font, top: int, language: str) -> None:
    left = _LEFT
    for kind, label in zip(("taken", "asked", ""), LEGEND, strict=True):
        words = _drawable(render(label, language))
        _box(draw, left, top, kind)
        draw.text((left + _BOX + 8, top), words, _INK, font)
        left += _BOX + 40 + int(draw.textlength(words, font))


def _fitting(draw: ImageDraw.ImageDraw, font: Font, name: str) -> str:
    """As much of a name as there is room for."""
    readable = _drawable(name)
    while draw.textlength(readable, font) > _NAMES - 12:
        readable = f"{readable.removesuffix('...')[:-1].rstrip()}..."
    return readable


_GERMAN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})


def _drawable(words: str) -> str:
    """The same in the letters that the font of the library has; the pool number stands before a name of others."""
    plain = unicodedata.normalize("NFKD", words.translate(_GERMAN))
    return plain.encode("ascii", "ignore").decode()
