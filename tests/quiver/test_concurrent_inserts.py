"""Goal: whatever a server joins, every client is told the truth about its own row.

Method: connections that insert at the same time, with keys that collide and rows that violate a constraint; what was
acknowledged must be exactly what is there, and every refusal must have its reason.
"""

from __future__ import annotations

import asyncio
import random

import asyncpg
import pytest

from tests.quiver.server_process import ServerProcess

CLIENTS = 12
ROWS = 120
KEYS = 700


async def connected(server: ServerProcess) -> asyncpg.Connection:
    return await asyncpg.connect(host=server.host, port=server.port, user="postgres", database="postgres")


@pytest.mark.slow
def test_acknowledged_rows_are_there(server: ServerProcess) -> None:
    async def client(number: int, told: dict[int, int], refused: list[str]) -> None:
        chance = random.Random(number)
        connection = await connected(server)
        statement = await connection.prepare("INSERT INTO joined VALUES ($1, $2, $3)")
        for _ in range(ROWS):
            key, value = chance.randrange(KEYS), chance.choice((number + 1, number + 1, 0))
            try:
                await statement.fetch(key, value, f"row of {number}")
            except asyncpg.CheckViolationError:
                assert value == 0
                refused.append("check")
            except asyncpg.UniqueViolationError:
                refused.append("unique")
            else:
                assert value > 0 and key not in told
                told[key] = value
        await connection.close()

    async def run() -> None:
        connection = await connected(server)
        await connection.execute("CREATE TABLE joined (k int PRIMARY KEY, v int CHECK (v > 0), note text)")
        told: dict[int, int] = {}
        refused: list[str] = []
        await asyncio.gather(*(client(number, told, refused) for number in range(CLIENTS)))
        stored = {row["k"]: row["v"] for row in await connection.fetch("SELECT k, v FROM joined")}
        assert stored == told and len(told) + len(refused) == CLIENTS * ROWS
        assert set(refused) == {"check", "unique"}
        await connection.close()

    asyncio.run(run())
