"""Drives the bot on a real homeserver as people with matrix-js-sdk do, who trust only devices that their owners sign."""

from __future__ import annotations

from tests.channels.matrix_driver import MatrixDriver
from tests.matrix_js.person import JsPerson


class MatrixJsDriver(MatrixDriver):
    """Everybody reads everything that the bot writes to them, and their app warns of nothing."""

    client = JsPerson

    async def stop(self) -> None:
        people = list(self._people.values())
        await super().stop()
        for each in people:
            assert isinstance(each, JsPerson)
            assert not each.shields and not each.undecrypted, (each.shields, each.undecrypted)
