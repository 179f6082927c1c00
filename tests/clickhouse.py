"""A ClickHouse of the tests' own: chDB in a process of its own, which speaks HTTP as a server does.

It knows what the driver says: a statement and its settings in the address or the body, compressed
or not, a session, and tables that come along with a statement.
"""

from __future__ import annotations

import email.policy
import importlib.util
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tests.postgres import _free_port

# What the address says besides settings.
NO_SETTINGS = {
    *("query", "database", "default_format", "session_id", "session_check", "session_timeout"),
    *("query_id", "client_protocol_version", "decompress", "compress", "user", "password", "role"),
    *("enable_http_compression", "http_zlib_compression_level", "quota_key"),
    *("cancel_http_readonly_queries_on_client_close", "wait_end_of_query", "buffer_size"),
    *("send_progress_in_http_headers", "http_headers_progress_interval_ms"),
}


def missing() -> str:
    """Why there can be no server; "" if there can."""
    needed = [name for name in ("chdb", "clickhouse_connect") if not importlib.util.find_spec(name)]
    return f"not installed: {', '.join(needed)}" if needed else ""


@contextmanager
def server() -> Iterator[str]:
    """The URL of a running server; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="playbook-ch-") as home:
        port = _free_port()
        process = subprocess.Popen([sys.executable, "-m", "tests.clickhouse", home, str(port)])
        try:
            _wait(port)
            yield f"clickhouse://default:@127.0.0.1:{port}/default"
        finally:
            process.kill()
            process.wait()


def _wait(port: int) -> None:
    for _attempt in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping").close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("chDB did not start within 30 s")


class _Answers(BaseHTTPRequestHandler):
    """One statement after another: chDB has one session."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece
    disable_nagle_algorithm = True
    connection_to_chdb = None
    home = Path()

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(b"Ok.\n")

    def do_POST(self) -> None:
        said = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = self._parts(body)
        if parts is None:
            query = "\n".join(filter(None, [said.get("query", ""), body.decode()]))
            parts = {}
        else:
            query = said.get("query") or parts.pop("query", b"").decode()
        try:
            self._answer(self._run(query, said, parts))
        except Exception as error:
            code = re.search(r"Code: (\d+)", str(error))
            self._answer(str(error).encode(), code[1] if code else "1")

    def _parts(self, body: bytes) -> dict[str, bytes] | None:
        """What comes in several parts, by name."""
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/"):
            return None
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        message = BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
        return {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in message.iter_parts()
        }

    def _run(self, query: str, said: dict[str, str], tables: dict[str, bytes]) -> bytes:
        ask = self.connection_to_chdb.query
        for name, data in tables.items():
            path = self.home / "arriving"
            path.write_bytes(data)
            kind, columns = said.pop(f"{name}_format"), said.pop(f"{name}_structure")
            ask(f"CREATE TEMPORARY TABLE `{name}` ({columns}) ENGINE = Memory")
            ask(f"INSERT INTO `{name}` SELECT * FROM file('{path}', '{kind}', '{columns}')")
        for name, value in said.items():
            if name not in NO_SETTINGS:
                ask(f"SET {name} = '{value}'")
        form = re.search(r"\bFORMAT\s+(\w+)\s*$", query)
        try:
            return ask(query, form[1] if form else said.get("default_format", "TSV")).bytes()
        finally:
            for name in tables:
                ask(f"DROP TEMPORARY TABLE `{name}`")

    def _answer(self, body: bytes, code: str = "") -> None:
        self.send_response(500 if code else 200)
        if code:
            self.send_header("X-ClickHouse-Exception-Code", code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _serve(home: str, port: int) -> None:
    import chdb

    _Answers.home = Path(home)
    _Answers.connection_to_chdb = chdb.connect(str(Path(home) / "data"))
    HTTPServer(("127.0.0.1", port), _Answers).serve_forever()


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
