"""A proxy in front of PostgreSQL that holds up every COMMIT for a while, as a slow disk would; a process of its own.

It takes the server's port and the delay in milliseconds, as arguments, and returns its own port, as one line on
stdout.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

_CHUNK = 256 * 1024
_SHORT = 64
"""A COMMIT travels alone; a longer chunk that holds the word is somebody's text."""


async def main(port: int, delay: float) -> None:
    async def carry(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pump(client, to_server, delay), _pump(server, to_client, 0.0))

    listening = await asyncio.start_server(carry, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay: float) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await source.read(_CHUNK):
            if delay and len(chunk) < _SHORT and b"COMMIT" in chunk:
                await asyncio.sleep(delay)
            sink.write(chunk)
            await sink.drain()
    sink.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) / 1000))
