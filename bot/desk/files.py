"""Files that a contact point allows in a case: stripped of what they tell by the way, shown only at the desk (D-09)."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from bot.contact_point import MediaRules
from bot.desk.room import announce_message
from bot.i18n import Text, _
from bot.messages import Media, Style
from bot.work import Work
from storage.models import Conversation, Thread

LARGEST_PICTURE: Final = 40_000_000
"""Pixels; more is no photo of a phone but an attack on memory."""


class Unusable(Exception):
    """A file that cannot be passed on; `text` tells the person why."""

    def __init__(self, text: Text) -> None:
        super().__init__()
        self.text = text


def is_welcome(work: Work, thread: Thread, media: Media) -> bool:
    """Whether the contact point takes this kind of file, in a case that somebody has opened and so invited it."""
    rules = work.contact_point.media
    there = bool(media.data) or media.too_large
    return rules.allowed and media.kind in rules.kinds and there and thread.opened_at is not None


def pass_on(work: Work, thread: Thread, person: Conversation, media: Media, *, quietly: bool = False) -> None:
    """Shows a file in the thread, or tells the person why it was not kept.

    `quietly`: the person has been told already, of another file of the same album.
    """
    try:
        cleaned = _cleaned(media, work.contact_point.media)
    except Unusable as unusable:
        work.tell(person, unusable.text)
        return
    entry = work.entry(thread, "EVENT", "FILE")
    entry.outbox_id = work.post(thread, _("File from the person"), style=Style.FROM_REPORTER, file=cleaned)
    if thread.taken_by is None:
        announce_message(work, thread)
    if not quietly:
        work.tell(person, _("I have passed the file on. Please keep the original."))


def _cleaned(media: Media, rules: MediaRules) -> Media:
    if media.too_large or len(media.data) > rules.max_bytes:
        raise Unusable(_("The file is too large. At most {n} MB can be passed on.", n=rules.max_mb))
    return _repainted(media) if media.kind == "photo" else replace(media, name=media.kind)


def _repainted(media: Media) -> Media:
    """The picture alone, painted anew: no place, no camera, no thumbnail."""
    try:
        with Image.open(io.BytesIO(media.data)) as picture:
            if picture.width * picture.height > LARGEST_PICTURE:
                raise Unusable(_("The picture is too large. Please send a smaller one."))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise Unusable(_("I cannot read this as a picture, and have not kept it.")) from None
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=88)
    return Media("photo", "photo.jpg", "image/jpeg", out.getvalue())
