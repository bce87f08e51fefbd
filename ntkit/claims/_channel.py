"""Frames between driver and worker: a JSON header and a block of bytes, over a socket that no claim prints to."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_LENGTHS = struct.Struct("<IQ")
_LONGEST_HEADER = 1 << 24


def send(sock: socket.socket, header: dict[str, Any], payload: bytes = b"") -> None:
    """Send one frame."""
    text = json.dumps(header).encode()
    sock.sendall(_LENGTHS.pack(len(text), len(payload)) + text)
    if payload:
        sock.sendall(payload)


class BrokenFrameError(Exception):
    """What arrived is no frame: somebody else wrote to the socket."""


class Frames:
    """Cuts received bytes into frames, however they arrive."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[dict[str, Any], bytes]]:
        """The frames that are complete with these bytes.

        Raises:
            BrokenFrameError: they are no frames.
        """
        self._buffer += data
        frames = []
        while len(self._buffer) >= _LENGTHS.size:
            text, payload = _LENGTHS.unpack_from(self._buffer)
            if text > _LONGEST_HEADER:
                raise BrokenFrameError
            end = _LENGTHS.size + text + payload
            if len(self._buffer) < end:
                break
            try:
                header = json.loads(self._buffer[_LENGTHS.size : _LENGTHS.size + text])
            except ValueError:
                raise BrokenFrameError from None
            if not isinstance(header, dict):
                raise BrokenFrameError
            frames.append((header, bytes(self._buffer[_LENGTHS.size + text : end])))
            del self._buffer[:end]
        return frames
