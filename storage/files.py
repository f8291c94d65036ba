"""Files that are the old one or the new one, whatever happens, and nobody else's to read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def written_anew(path: Path, content: str) -> None:
    """Replaces a file (mode 0600) in one instant, on the disk when this returns; raises OSError."""
    with _written_beside(path, content) as new:
        os.replace(new, path)
    synced(path.parent)


def written_once(path: Path, content: str) -> None:
    """The same, unless the file is there already: raises FileExistsError."""
    with _written_beside(path, content) as new:
        # A link never overwrites, and the name appears with the whole content or not at all.
        os.link(new, path)
    synced(path.parent)


@contextmanager
def _written_beside(path: Path, content: str) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def empty(path: Path) -> None:
    """A new empty file (mode 0600): right before the first byte is in it; raises OSError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def synced(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
