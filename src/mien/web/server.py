"""The servers: the studio for people, on this computer or for those who know its password; and its calls for programs.

serve_studio(...)     the page and the calls, until it is stopped
serve_calls(...)      the calls alone, for programs that have a key
"""

from __future__ import annotations

import contextlib
import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from ..errors import InputError, OutputError
from ..io.server_certificate import server_certificate
from ..paths import data_folder
from .app import make_app
from .guard import Door, KeyDoor
from .password import Password
from .studio import Studio

TLS = tuple[Path, Path]  # a certificate and its key, PEM
AT_ONCE = (
    6,
    1,
    1,
)  # IPPROTO_TCP, TCP_NODELAY, on: what is written is sent, and what is accepted does the same


def serve_studio(port: int, started: Callable[[str], None]) -> None:
    """Serve on this computer only, until the process is told to end; port 0: any that is free. started: is told
    the address to open."""
    _serve_studio(_config("127.0.0.1", port), Door, started)


def serve_others(
    host: str, port: int, password: str, tls: TLS | None, started: Callable[[str, str], None]
) -> None:
    """Serve at an address of this computer that others reach, to who knows the password, over TLS. tls: None for a
    certificate of its own. started: is told the address to open, and the certificate's SHA-256 where it is its own."""
    config, fingerprint, known = _config(host, port), "", Password(password)
    if tls:
        _take_certificate(config, tls)
    else:
        config.ssl_certfile, fingerprint = server_certificate(host)
    names = (f"[{host}]" if ":" in host else host,)
    _serve_studio(
        config, lambda port: Door(port, names, password=known), lambda url: started(url, fingerprint)
    )


def _serve_studio(
    config: uvicorn.Config, door_at: Callable[[int], Door], started: Callable[[str], None]
) -> None:
    socket = _bound(config)
    door = door_at(socket.getsockname()[1])
    studio = Studio(data_folder() / "studio")
    config.app = make_app(studio, door)
    started(f"{door.scheme}://{door.hosts[0]}/?token={door.token}")
    _run(config, socket, studio)


def serve_calls(
    host: str, port: int, keys: tuple[str, ...], tls: TLS | None, started: Callable[[str], None]
) -> None:
    """Serve the calls alone to who has one of the keys. tls: certificate and its key; without it plain HTTP.
    started: is told the address."""
    config = _config(host, port)
    if tls:
        _take_certificate(config, tls)
    socket = _bound(config)
    studio = Studio(data_folder() / "service")
    config.app = make_app(studio, KeyDoor(keys))
    started(f"{'https' if tls else 'http'}://{host}:{socket.getsockname()[1]}")
    _run(config, socket, studio)


def _take_certificate(config: uvicorn.Config, tls: TLS) -> None:
    certificate, key = tls
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except OSError as error:  # of which SSLError is one
        raise InputError(
            f"{certificate} with the key {key} cannot be used ({error.strerror or error}): two PEM files were wanted"
        ) from error
    config.ssl_certfile, config.ssl_keyfile = tls


def _config(host: str, port: int) -> uvicorn.Config:
    config = uvicorn.Config("", host=host, port=port, log_level="warning", access_log=False)
    config.server_header = config.date_header = config.proxy_headers = False
    config.timeout_graceful_shutdown = 2
    return config


def _bound(config: uvicorn.Config) -> Any:
    logger = logging.getLogger("uvicorn.error")
    logger.disabled = True  # it tells the same in its own words
    try:
        socket = config.bind_socket()
    except SystemExit as error:  # what uvicorn makes of it
        why = f"port {config.port} is taken: choose another with --port, or 0 for any that is free"
        if config.host != "127.0.0.1":
            why = f"{config.host} is no address of this computer, or {why}"
        raise OutputError(why) from error
    finally:
        logger.disabled = False
    socket.setsockopt(*AT_ONCE)  # or an answer waits 40 ms between its head and its body
    socket.listen()  # who is told the address may come at once, and waits
    return socket


class _Server(uvicorn.Server):
    """A server whose streams end with it: they would be torn off, each with a page of traceback."""

    def __init__(self, config: uvicorn.Config, studio: Studio) -> None:
        super().__init__(config)
        self.studio = studio

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.studio.ending.set()
        super().handle_exit(sig, frame)


def _run(config: uvicorn.Config, socket: Any, studio: Studio) -> None:
    with contextlib.suppress(KeyboardInterrupt):  # which is how it ends
        _Server(config, studio).run(sockets=[socket])
