"""Connections: HTTP/1.1 and HTTP/2, in clear and with TLS, on one port each.

A connection makes a `Request` of what arrives and hands it to the handler with its `Stream`, which sends a `Reply`:
whole, broken off, without an end, or not at all. The handler is told once that a stream has ended, and whether the
client left.
"""
import asyncio
import itertools

from .http1 import Http1
from .http2 import Http2

PREFACE = b"PRI * HTTP/2.0"
_numbers = itertools.count(1)


class Opening(asyncio.Protocol):
    """A new connection, until it is known which version it speaks: by ALPN, or by its first bytes."""

    def __init__(self, handler, tls):
        self.handler = handler
        self.tls = tls
        self.transport = None
        self.heard = b""

    def connection_made(self, transport):
        self.transport = transport
        if self.tls:
            chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
            self._become(Http2 if chosen == "h2" else Http1)

    def data_received(self, data):
        self.heard += data
        if self.heard.startswith(PREFACE):
            self._become(Http2)
        elif not PREFACE.startswith(self.heard[:len(PREFACE)]):
            self._become(Http1)

    def _become(self, kind):
        connection = kind(self.handler, self.transport, next(_numbers), self.tls)
        self.transport.set_protocol(connection)
        if self.heard:
            connection.data_received(self.heard)
