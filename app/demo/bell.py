"""Waiting until something becomes true, without polling."""

import asyncio
from collections.abc import Callable


class Bell:
    """Rung on every change; whoever waits looks again."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Wake everybody who waits."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def until(self, wanted: Callable[[], bool], what: str, within: float) -> None:
        """Return once `wanted()` holds; else raise TimeoutError after `within` seconds."""
        try:
            async with asyncio.timeout(within):
                while not wanted():
                    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiting.add(waiter)
                    await waiter
        except TimeoutError:
            raise TimeoutError(f"{what} did not happen within {within} s") from None
