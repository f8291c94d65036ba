"""Serves people's dates to their calendar programmes, at private addresses beside the web page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from aiohttp import web
from sqlalchemy import select

from bot.meetings import calendar, feed
from bot.turns import Turns
from storage.database import Database
from storage.meetings import CalendarFeed
from storage.models import Conversation

FRESH_FOR: Final = 15 * 60
"""Seconds for which a programme need not ask again."""


class CalendarFeeds:
    """Answers calendar programmes; the address is all that they bring."""

    def __init__(self, database: Database, turns: Turns, now: Callable[[], datetime]) -> None:
        self._database = database
        self._turns = turns
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """Where they ask."""
        return [web.get(f"{feed.PATH}{{secret}}.ics", self._serve)]

    async def _serve(self, request: web.Request) -> web.Response:
        secret = request.match_info["secret"]
        # What cannot be an address is not looked for.
        found = await self._database.run(self._found, secret) if feed.SECRET.fullmatch(secret) else None
        if found is None:
            raise web.HTTPNotFound
        return web.Response(
            body=found,
            content_type=calendar.TYPE,
            charset="utf-8",
            headers={"Cache-Control": f"private, max-age={FRESH_FOR}"},
        )

    def _found(self, secret: str) -> bytes | None:
        with self._database.transaction(everywhere=True) as session:
            row = session.scalars(
                select(CalendarFeed).where(CalendarFeed.key == feed.key_of(self._database.ring, secret))
            ).one_or_none()
            if row is None:
                return None
            with self._turns.working(session, row.contact_point, self._now()) as work:
                chat = work.session.get_one(Conversation, row.conversation_id)
                return feed.feed_of(work, chat)
