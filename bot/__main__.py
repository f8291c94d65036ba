"""`python -m bot` is the command `anlaufstelle`."""

from bot.cli import main

main()
