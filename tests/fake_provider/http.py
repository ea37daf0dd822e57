"""What both versions of HTTP share: a request, a reply, and a stream that carries the one and the other."""

NOISE = bytes(range(256)) * 4
MORE_HEADERS = b"x-more: " + b"a" * 8000 + b"\r\n"
PIECE = b'{"summary": "' + b"a" * (64 * 1024 - 13)  # of a body without end
STATUS_WORDS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden",
                404: "Not Found", 405: "Method Not Allowed", 429: "Too Many Requests", 500: "Internal Server Error",
                503: "Service Unavailable", 529: "Overloaded"}


class Request:
    __slots__ = ("method", "path", "query", "headers", "body", "http", "tls", "connection")

    def __init__(self, method, target, headers, body, http, tls, connection):
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body = body
        self.http = http
        self.tls = tls
        self.connection = connection


class Reply:
    """how: whole, cut (broken off in the middle), stall (nothing after the middle), endless, endless_headers, noise (no
    HTTP), silent (not a byte)."""

    __slots__ = ("status", "headers", "body", "how", "most_bytes")

    def __init__(self, status, headers, body, how="whole", most_bytes=0):
        self.status = status
        self.headers = headers
        self.body = body
        self.how = how
        self.most_bytes = most_bytes


class Stream:
    """Carries one request and its reply. The connection overrides what sends."""

    __slots__ = ("handler", "request", "call", "timer", "over", "__weakref__")

    def __init__(self, handler, request=None):
        self.handler = handler
        self.request = request
        self.call = None  # for the handler
        self.timer = None  # cancelled when the client leaves
        self.over = False

    def send(self, reply):
        raise NotImplementedError

    def end(self, gone=False):
        """Once, whatever ends it."""
        if self.over:
            return
        self.over = True
        if self.timer:
            self.timer.cancel()
            self.timer = None
        if self.request is not None:
            self.handler.ended(self, gone)
