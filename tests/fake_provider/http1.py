"""A connection that speaks HTTP/1.1: one call at a time."""
import asyncio

import httptools

from .http import MORE_HEADERS, NOISE, PIECE, STATUS_WORDS, Reply, Request, Stream

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Http1(asyncio.Protocol):
    def __init__(self, handler, transport, number, tls):
        self.handler = handler
        self.transport = transport
        self.number = number
        self.tls = tls
        self.parser = httptools.HttpRequestParser(self)
        self.stream = None
        self.writable = True
        self._begin()

    def _begin(self):
        self.target = b""
        self.headers = {}
        self.body = []

    # -- what arrives

    def data_received(self, data):
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # an offer of HTTP/2 in clear, which a server may leave unanswered
        except httptools.HttpParserError:
            self._refuse()

    def on_url(self, url):
        self.target += url

    def on_header(self, name, value):
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self):
        if self.headers.get("expect", "").lower() == "100-continue":
            self.transport.write(CONTINUE)

    def on_body(self, body):
        self.body.append(body)

    def on_message_complete(self):
        if self.stream is not None:
            return self._refuse()  # a second one before the answer to the first
        request = Request(self.parser.get_method().decode(), self.target.decode("latin-1"), self.headers,
                          b"".join(self.body), "1.1", self.tls, self.number)
        keep = self.parser.should_keep_alive()
        self._begin()
        self.stream = _Exchange(self, request, keep)
        self.handler.arrived(self.stream)

    def _refuse(self):
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    # -- the connection

    def pause_writing(self):
        self.writable = False

    def resume_writing(self):
        self.writable = True
        if self.stream is not None:
            self.stream.pump()

    def connection_lost(self, error):
        if self.stream is not None:
            stream, self.stream = self.stream, None
            stream.end(gone=True)

    def eof_received(self):
        return False  # a client that closes its half has left


class _Exchange(Stream):
    __slots__ = ("connection", "keep", "left", "piece")

    def __init__(self, connection, request, keep):
        super().__init__(connection.handler, request)
        self.connection = connection
        self.keep = keep
        self.left = 0
        self.piece = b""

    def send(self, reply):
        transport = self.connection.transport
        if self.over or transport.is_closing():
            return
        if reply.how in ("endless", "endless_headers"):
            in_body = reply.how == "endless"
            transport.write(_head(reply, None)[: None if in_body else -2])
            self.piece = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if in_body else MORE_HEADERS
            self.left = reply.most_bytes
            return self.pump()
        if reply.how in ("noise", "silent"):
            transport.write(NOISE if reply.how == "noise" else b"")
            return self._done(keep=False)
        head = _head(reply, len(reply.body))
        if reply.how == "whole":
            transport.write(head + reply.body)
            return self._done(self.keep)
        transport.write(head + reply.body[: len(reply.body) // 2])
        if reply.how == "cut":
            self._done(keep=False)

    def pump(self):
        """More of what has no end, as fast as the client takes it."""
        connection = self.connection
        while self.left > 0 and connection.writable and not connection.transport.is_closing():
            connection.transport.write(self.piece)
            self.left -= len(self.piece)
            if self.left <= 0:
                self._done(keep=False)

    def _done(self, keep):
        self.connection.stream = None
        self.end()
        if not keep:
            self.connection.transport.close()


def _head(reply: Reply, length):
    words = STATUS_WORDS.get(reply.status, "Status")
    lines = [f"HTTP/1.1 {reply.status} {words}"] + [f"{name}: {value}" for name, value in reply.headers]
    lines.append("transfer-encoding: chunked" if length is None else f"content-length: {length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
