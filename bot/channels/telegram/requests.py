"""How requests go to Telegram: over aiohttp, which takes a fraction of the time that the library's own way takes."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

POOL: Final = 32
"""Connections to Telegram, at most."""
CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 25.0

UNSENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""There was no connection that the request could have gone over."""

_Seconds = Any
"""The library's own marker stands for a default."""


class Requests(BaseRequest):
    """The connections of one bot; they are opened when something is asked."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return READ_SECONDS

    async def initialize(self) -> None:
        """Nothing: connections are opened when something is asked."""

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: _Seconds = BaseRequest.DEFAULT_NONE,
        write_timeout: _Seconds = BaseRequest.DEFAULT_NONE,
        connect_timeout: _Seconds = BaseRequest.DEFAULT_NONE,
        pool_timeout: _Seconds = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Status and body; raises TimedOut or NetworkError, neither of which tells the address: the token is in it."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=POOL), cookie_jar=aiohttp.DummyCookieJar(), proxy=_proxy(url)
            )
        read = read_timeout if isinstance(read_timeout, int | float) else READ_SECONDS
        waits = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=read)
        try:
            async with self._session.request(
                method, url, data=_body(request_data), timeout=waits, headers={"User-Agent": self.USER_AGENT}
            ) as response:
                return response.status, await response.read()
        except TimeoutError as error:
            raise TimedOut from error
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(type(error).__name__) from error


def _body(request_data: RequestData | None) -> aiohttp.FormData | None:
    if request_data is None:
        return None
    form = aiohttp.FormData(request_data.json_parameters)
    for name, (filename, content, kind) in request_data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=kind)
    return form


def _proxy(url: str) -> str | None:
    """Authorities often reach the internet through one: it stands in the environment."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
