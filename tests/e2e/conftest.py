"""The stage with the product's defaults."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.e2e.stage import Stage, on_stage


@pytest.fixture
async def stage(store_url: str) -> AsyncIterator[Stage]:
    """The whole product, at noon, with default settings."""
    async with on_stage(store_url) as stage:
        yield stage
