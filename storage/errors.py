"""What is told when a database cannot be used."""

from __future__ import annotations


class DatabaseError(Exception):
    """The database cannot be used; the message is one line."""
