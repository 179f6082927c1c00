"""A PostgreSQL of the tests' own: a new cluster on a free port, as an unprivileged user."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Nothing leaves the machine, and the server's zone is not ours: results must not notice.
SETTINGS = [
    "-F",
    *("-c", "listen_addresses=127.0.0.1"),
    *("-c", "timezone=Asia/Kolkata"),
    *("-c", "jit=off"),
]


def missing() -> str:
    """Why there can be no cluster; "" if there can."""
    return "" if _programs() else "PostgreSQL is not installed (Debian: apt install postgresql)"


@contextmanager
def cluster() -> Iterator[str]:
    """The URL of a running cluster; it is gone afterwards."""
    owner = _owner()
    home = Path(tempfile.mkdtemp(prefix="playbook-pg-", dir="/tmp"))
    if owner:
        entry = pwd.getpwnam(owner)
        os.chown(home, entry.pw_uid, entry.pw_gid)
    as_owner = {"user": owner, "group": pwd.getpwnam(owner).pw_gid} if owner else {}
    port, data = _free_port(), home / "data"
    said = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": home}
    server = None
    try:
        setting_up = [_programs() / "initdb", "-D", data, "-U", "playbook", "-A", "trust"]
        subprocess.run([*setting_up, "-E", "UTF8", "--no-sync"], check=True, **said, **as_owner)
        server = subprocess.Popen(
            [_programs() / "postgres", "-D", data, "-p", str(port), "-k", home, *SETTINGS],
            **said,
            **as_owner,
        )
        _wait(port)
        yield f"postgres://playbook:secret@127.0.0.1:{port}/postgres"
    finally:
        if server:
            server.send_signal(signal.SIGINT)  # fast: it does not wait for its clients
            server.wait(timeout=20)
        shutil.rmtree(home, ignore_errors=True)


def _programs() -> Path | None:
    """The newest PostgreSQL's folder of programs."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


def _owner() -> str:
    """Root may not run a cluster: the account that Debian's package makes does; else we do."""
    if getpass.getuser() != "root" and os.geteuid() != 0:
        return ""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait(port: int) -> None:
    import psycopg

    for _attempt in range(100):
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=playbook dbname=postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise TimeoutError("PostgreSQL did not start within 10 s")
