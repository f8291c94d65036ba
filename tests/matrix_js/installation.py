"""matrix-js-sdk for tests: installed once into pytest's cache, by the lock beside this file, where there is a Node for it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parent
CACHE: Final = HERE.parents[1] / ".pytest_cache" / "d"
PARTS: Final = ("package.json", "package-lock.json", ".npmrc")
OLDEST_NODE: Final = 20
"""What matrix-js-sdk asks for."""
WITHIN: Final = 300.0
"""Seconds to install in."""
UNREACHABLE: Final = re.compile(
    r"npm (?:error|ERR!) code (ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET\w*|E[45]\d\d|"
    r"UNABLE_TO_\w+|SELF_SIGNED\w*|CERT_\w+|DEPTH_ZERO\w*)"
)
"""What npm says when it is the network's fault, and not that of what is written here."""


def folder() -> Path:
    """Where `people.mjs` can run, installed now if it is not yet; skips the test where that cannot be."""
    found = _installed()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@cache
def _installed() -> Path | str:
    """The folder, or why there is none."""
    if missing := [each for each in ("node", "npm") if shutil.which(each) is None]:
        return f"there is no {' and no '.join(missing)} on this computer, which matrix-js-sdk needs"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    if int(version.strip().lstrip("v").split(".")[0]) < OLDEST_NODE:
        return f"Node is {version.strip()} on this computer; matrix-js-sdk needs {OLDEST_NODE} or later"
    CACHE.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(b"".join((HERE / each).read_bytes() for each in PARTS)).hexdigest()[:16]
    target = CACHE / f"matrix_js-{digest}"
    with open(CACHE / "matrix_js.lock", "w") as lock:
        # Test processes begin at the same time: one of them installs.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            return target
        return _install(target)


def _install(target: Path) -> Path | str:
    with tempfile.TemporaryDirectory(dir=target.parent) as beside:
        new = Path(beside) / target.name
        new.mkdir()
        for each in PARTS:
            shutil.copy(HERE / each, new)
        # A module is looked for beside the file that wants it.
        (new / "people.mjs").symlink_to(os.path.relpath(HERE / "people.mjs", target))
        try:
            done = subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"],
                cwd=new,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=WITHIN,
            )
        except subprocess.TimeoutExpired:
            return f"npm has not fetched matrix-js-sdk within {WITHIN:.0f} seconds"
        if done.returncode == 0:
            new.rename(target)
            return target
    if why := UNREACHABLE.search(done.stderr):
        return f"npm cannot fetch matrix-js-sdk: {why[1]}"
    raise AssertionError(f"npm ci ended with {done.returncode}:\n{done.stderr[-3000:]}")
