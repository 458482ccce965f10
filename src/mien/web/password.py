"""The password of a studio that other computers reach: kept as a hash only; wrong ones are answered slowly, and few."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time

from starlette.exceptions import HTTPException

SCRYPT = {"n": 2**14, "r": 8, "p": 1}  # 16 MB and some 50 ms a try (RFC 7914)
SLOW = 1.0  # seconds until a wrong one is answered
MINUTE = 60.0
TRIES, ALL = 5, 30  # wrong ones in a minute: of one computer, and of all


class Password:
    """A password, and who tried it in vain lately."""

    def __init__(self, text: str) -> None:
        self._salt = secrets.token_bytes(16)
        self._hash = self._hashed(text)
        self._tries: list[tuple[float, str]] = []
        self._one = asyncio.Lock()  # a hash at a time, whoever asks

    def _hashed(self, text: str) -> bytes:
        return hashlib.scrypt(text.encode("utf-8", "surrogatepass"), salt=self._salt, **SCRYPT)

    async def check(self, given: str, who: str) -> None:
        """Whether it is the password: 401 where it is not, 429 where `who`, or all together, tried too often."""
        now = time.monotonic()
        self._tries = [(at, by) for at, by in self._tries if now - at < MINUTE]
        if len(self._tries) >= ALL or sum(by == who for _, by in self._tries) >= TRIES:
            raise HTTPException(429, "too many wrong passwords: try again in a minute")
        this = (now, who)
        self._tries.append(this)  # before it is known, so that many at once are not free
        async with self._one:
            right = hmac.compare_digest(await asyncio.to_thread(self._hashed, given), self._hash)
        if not right:
            await asyncio.sleep(SLOW)
            raise HTTPException(401, "this is not the password")
        self._tries = [one for one in self._tries if one is not this]
