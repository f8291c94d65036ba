"""Telegram as a channel."""

import os
from typing import Final

TIMES_AS_TIMEDELTA: Final = "PTB_TIMEDELTA"

# python-telegram-bot reads it whenever it gives a time; without it, every answer "retry after" comes with a warning.
os.environ[TIMES_AS_TIMEDELTA] = "true"
