"""A real homeserver for tests: Synapse as a process of its own on 127.0.0.1, never imported."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.ports import free_port

NAME: Final = "localhost.test"
SECRET: Final = "shared-by-the-tests"
IN_MEMORY: Final = Path("/dev/shm")
STARTS_WITHIN: Final = 60.0
"""Seconds."""
UNLIMITED: Final = {"per_second": 100000, "burst_count": 100000}
LIMITS: Final = {
    "rc_message": UNLIMITED,
    "rc_login": {"address": UNLIMITED, "account": UNLIMITED, "failed_attempts": UNLIMITED},
    "rc_joins": {"local": UNLIMITED, "remote": UNLIMITED},
    "rc_joins_per_room": UNLIMITED,
    "rc_invites": {"per_room": UNLIMITED, "per_user": UNLIMITED, "per_issuer": UNLIMITED},
    "rc_room_creation": UNLIMITED,
    "rc_key_requests": UNLIMITED,
    "rc_media_create": UNLIMITED,
    "rc_presence": {"per_user": UNLIMITED},
    "rc_profile": UNLIMITED,
    "rc_user_directory": UNLIMITED,
}

_PROGRAM: Final = """
import runpy, sys
if sys.platform == "linux":
    import ctypes, signal
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # it ends with whoever started it, however that ends
runpy.run_module("synapse.app.homeserver", run_name="__main__", alter_sys=True)
"""
_NUMBERS: Final = itertools.count(1)


@dataclass(frozen=True)
class Account:
    """Somebody who is registered."""

    user_id: str
    password: str = field(repr=False)
    device_id: str
    access_token: str = field(repr=False)


class Homeserver:
    """One Synapse with a database of its own; `limits` are the relaxed ones unless a test wants others."""

    def __init__(self, limits: dict[str, Any] | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="synapse-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._write(LIMITS if limits is None else limits)

    def _write(self, limits: dict[str, Any]) -> None:
        folder = self.folder
        key = base64.b64encode(os.urandom(32)).decode().rstrip("=")
        (folder / "signing.key").write_text(f"ed25519 a_test {key}\n")
        log = {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"file": {"class": "logging.FileHandler", "filename": f"{folder / 'log'}"}},
            "root": {"level": "WARNING", "handlers": ["file"]},
        }
        (folder / "log.yaml").write_text(json.dumps(log))
        config = {
            "server_name": NAME,
            "pid_file": f"{folder / 'homeserver.pid'}",
            "signing_key_path": f"{folder / 'signing.key'}",
            "media_store_path": f"{folder / 'media'}",
            "log_config": f"{folder / 'log.yaml'}",
            "report_stats": False,
            "public_baseurl": self.origin + "/",
            "listeners": [
                {
                    "port": self.port,
                    "type": "http",
                    "tls": False,
                    "bind_addresses": ["127.0.0.1"],
                    "resources": [{"names": ["client"], "compress": False}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": f"{folder / 'homeserver.db'}"}},
            "trusted_key_servers": [],
            "registration_shared_secret": SECRET,
            "macaroon_secret_key": "macaroons",
            "form_secret": "forms",
            "bcrypt_rounds": 4,
            "max_upload_size": "50M",
            # It would answer the first question of a restarted bot as it did before.
            "caches": {"sync_response_cache_duration": 0},
            **limits,
        }
        # JSON is YAML.
        (folder / "homeserver.yaml").write_text(json.dumps(config))

    def start(self) -> None:
        """Returns when it answers."""
        with open(self.folder / "stderr", "ab") as complaints:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, "-c", f"{self.folder / 'homeserver.yaml'}"],
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
            )
        until = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                with urllib.request.urlopen(f"{self.origin}/health", timeout=5):
                    return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise AssertionError((self.folder / "stderr").read_text()[-3000:]) from None
                time.sleep(0.05)

    def stop(self) -> None:
        """Ends the process; what it knows stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def register(self, name: str, *, admin: bool = False) -> Account:
        """A new account; the name gets a number, so that every test has people of its own."""
        path = "/_synapse/admin/v1/register"
        user, password = f"{name}{next(_NUMBERS)}", f"password of {name}"
        nonce = self.ask("GET", path)["nonce"]
        role = "admin" if admin else "notadmin"
        proof = hmac.new(SECRET.encode(), f"{nonce}\0{user}\0{password}\0{role}".encode(), hashlib.sha1).hexdigest()
        given = self.ask(
            "POST", path, {"nonce": nonce, "username": user, "password": password, "admin": admin, "mac": proof}
        )
        return Account(given["user_id"], password, given["device_id"], given["access_token"])

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, token: str = "") -> dict[str, Any]:
        """One request; raises HTTPError."""
        request = urllib.request.Request(
            self.origin + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found


_running: list[Homeserver] = []


def shared() -> Homeserver:
    """The one of this test process, started when it is wanted for the first time."""
    if not _running:
        _running.append(Homeserver())
        _running[0].start()
    return _running[0]


def remove_shared() -> None:
    """At the end of the tests."""
    while _running:
        _running.pop().remove()
