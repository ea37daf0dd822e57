"""A proxy in front of a service that throttles, fails, delays, cuts and loses, by operation.

A rule names an operation ("PutItem", "UploadPart"), what is to happen and how often; requests that no rule is for, or is for any
more, are handed on. The Host header goes on as it came, because signatures cover it.

    proxy.rule("PutObject", "lose")                       once: it is carried out, and its answer never comes
    proxy.rule("UploadPart", "fail", times=2, status=503, code="SlowDown")
    proxy.rule("*", "delay", times=None, seconds=0.2)     every request, from now on
    proxy.rule("*", "cut", times=None, every=7)           every seventh
"""
import http.client
import json
import socket
import threading
import time
import urllib.parse
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP = {"connection", "keep-alive", "transfer-encoding", "proxy-connection"}


def s3_operation(method, path, query):
    parameters = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
    has_key = bool(path.strip("/").partition("/")[2])
    if "uploadId" in parameters:
        return {"PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}.get(method, "ListParts")
    if "uploads" in parameters:
        return "CreateMultipartUpload" if method == "POST" else "ListMultipartUploads"
    if "delete" in parameters:
        return "DeleteObjects"
    if "list-type" in parameters:
        return "ListObjectsV2"
    return method.capitalize() + ("Object" if has_key else "Bucket")


class Rule:
    def __init__(self, operation, action, times, every, before, details):
        self.before = before
        self.operation, self.action, self.left, self.every, self.details = operation, action, times, every, details
        self.met = 0

    def take(self, operation):
        if self.operation not in ("*", operation) or self.left == 0:
            return False
        self.met += 1
        if self.met % self.every:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet: two would wait for each other's confirmation
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    @property
    def proxy(self):
        return self.server.proxy

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        target = self.headers.get("X-Amz-Target")
        operation = target.rpartition(".")[2] if target else s3_operation(self.command, path, query)
        rule = self.proxy.take(operation)
        action = rule.action if rule else None
        if rule and rule.before:
            rule.before(rule)
        if action == "cut":
            return self.hang_up()
        if action == "fail":
            return self.fail(bool(target), **rule.details)
        if action == "answer":
            return self.give(rule.details["status"], rule.details.get("headers", {}), rule.details.get("body", b""))
        if action == "raw":
            self.wfile.write(rule.details["bytes"])
            self.wfile.flush()
            return self.hang_up()
        if action == "delay":
            time.sleep(rule.details["seconds"])
        self.hand_on(body, lose=action == "lose")

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def fail(self, json_protocol, status=503, code="SlowDown", message="so the test wants it", **more):
        headers = {"x-amzn-RequestId": "TESTREQUEST", "x-amz-request-id": "TESTREQUEST"} | more.pop("headers", {})
        if json_protocol:
            body = json.dumps({"__type": f"com.amazonaws.test#{code}", "message": message} | more).encode()
        else:
            body = f"<?xml version='1.0'?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        self.give(status, headers, body if self.command != "HEAD" else b"")

    def give(self, status, headers, body):
        self.send_response_only(status)
        for name, value in ({"Date": self.date_time_string()} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hand_on(self, body, lose):
        upstream = http.client.HTTPConnection("127.0.0.1", self.proxy.upstream, timeout=60)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP:
                upstream.putheader(name, value)
        upstream.endheaders(body or None)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if lose:
            return self.hang_up()
        self.send_response_only(answer.status)
        length = None
        for name, value in answer.getheaders():
            if name.lower() == "content-length":
                length = value
            elif name.lower() not in HOP:
                self.send_header(name, value)
        # The length of what a HEAD does not bring.
        self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class FaultProxy:
    def __init__(self, upstream):
        self.upstream = upstream
        self.lock = threading.Lock()
        self.rules = []
        self.seen = Counter()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.proxy = self
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def rule(self, operation, action, times=1, every=1, before=None, **details):
        """`before` is called with the rule when it comes to bear."""
        with self.lock:
            self.rules.append(Rule(operation, action, times, every, before, details))

    def calm(self):
        """No rule is left."""
        with self.lock:
            self.rules.clear()

    def take(self, operation):
        """The rule for such a request, and one that was seen more."""
        with self.lock:
            self.seen[operation] += 1
            return next((rule for rule in self.rules if rule.take(operation)), None)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
