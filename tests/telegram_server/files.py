"""Files that were sent, by the ids that bots know them by."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from PIL import Image, UnidentifiedImageError

from tests.telegram_server.errors import bad

DOWNLOAD = 20 << 20
UPLOAD = 50 << 20
PHOTO = 10 << 20


@dataclass(frozen=True)
class StoredFile:
    """A file on Telegram's servers."""

    id: str
    unique_id: str
    path: str
    name: str
    mime_type: str
    data: bytes = field(repr=False)
    size: int
    kind: str

    def json(self, **more: Any) -> dict[str, Any]:
        return {"file_id": self.id, "file_unique_id": self.unique_id, "file_size": self.size, **more}


class Files:
    """All files of a world."""

    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}
        self._numbers = count()

    def keep(self, kind: str, data: bytes, name: str = "", mime_type: str = "", size: int | None = None) -> StoredFile:
        """A declared `size` stands for a file that would be too large for a test."""
        number = next(self._numbers)
        unique_id = base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:12]).decode()
        file_id = f"AgACAgI{number:06}{base64.urlsafe_b64encode(hashlib.sha256(b'%d' % number).digest()).decode()[:40]}"
        extension = name.rpartition(".")[2] if "." in name else {"photo": "jpg", "voice": "oga"}.get(kind, "bin")
        stored = StoredFile(
            file_id,
            unique_id,
            f"{kind}s/file_{number}.{extension}",
            name,
            mime_type,
            data,
            len(data) if size is None else size,
            kind,
        )
        self._by_id[file_id] = stored
        self._by_path[stored.path] = stored
        return stored

    def by_id(self, file_id: str) -> StoredFile | None:
        return self._by_id.get(file_id)

    def by_path(self, path: str) -> StoredFile | None:
        return self._by_path.get(path)


def photo_sizes(stored: StoredFile, *, strict: bool) -> list[dict[str, Any]]:
    """What a message tells of a photo; a bot's must be one."""
    try:
        with Image.open(io.BytesIO(stored.data)) as image:
            width, height = image.size
    except (UnidentifiedImageError, OSError, ValueError):
        if strict:
            raise bad("IMAGE_PROCESS_FAILED") from None
        width, height = 800, 600
    if strict and (width + height > 10000 or max(width, height) > 20 * min(width, height)):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    small = stored.json(width=max(1, width // 10), height=max(1, height // 10))
    return [small, stored.json(width=width, height=height)]
