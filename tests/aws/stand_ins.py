"""Small servers that nobody else has: the endpoint of containers' credentials and the metadata service of instances."""
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from services import KEY, KEY_ID


class _Server:
    """A server whose `answer(handler)` gives (status, body); what it is asked is kept in `asked`."""

    def __enter__(self):
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer is one packet: two would wait for each other's confirmation
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def do_GET(self):
                owner.asked.append((self.command, self.path, dict(self.headers)))
                status, body = owner.answer(self)
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_PUT = do_GET

        self.asked = []
        self.seconds = 3600
        self.down = False
        self.given = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return self

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def credentials(self):
        """Keys that versitygw takes; it knows no session tokens, so there is none."""
        self.given += 1
        return {"Code": "Success", "AccessKeyId": KEY_ID, "SecretAccessKey": KEY, "Token": "",
                "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.seconds))}

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Credentials(_Server):
    token = None  # what must come as Authorization

    def answer(self, request):
        if self.down:
            return 500, {}
        if self.token is not None and request.headers.get("Authorization") != self.token:
            return 401, {"code": "Unauthorized"}
        return 200, self.credentials()


class Instance(_Server):
    role = "docmill-role"

    def answer(self, request):
        base = "/latest/meta-data/iam/security-credentials/"
        if self.down:
            return 500, {}
        if request.command == "PUT":
            life = request.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
            return (200, b"instance-token") if request.path == "/latest/api/token" and life else (400, b"")
        if request.headers.get("X-aws-ec2-metadata-token") != "instance-token":
            return 401, b""
        if request.path == base:
            return 200, self.role.encode()
        return (200, self.credentials()) if request.path == base + self.role else (404, b"")
