"""What the protocols have in common: what was asked, what is answered, and how a refusal is worded by each vendor.

A protocol is one file and one row of PROTOCOLS. It knows nothing of moods and limits; provider.py decides, and a
protocol puts the decision into its vendor's words.
"""
import base64
import hashlib
import json
import uuid


class Refused(Exception):
    """One of key_invalid, unauthenticated, bad_signature, forbidden, not_found, bad_request, rate_limited, quota,
    overloaded, internal."""

    def __init__(self, kind, message, wait_s=None, unknown=None, limit=None):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.wait_s = wait_s  # when to come back, where that may be told
        self.unknown = unknown
        self.limit = limit  # the limit of requests that caused it, a minute or for a quota a day, where that may be told


class Asked:
    """A request that was accepted."""

    def __init__(self, model, max_output):
        self.model = model
        self.max_output = max_output
        self.texts = []
        self.media = []  # (kind, bytes) of pictures and documents
        self.schema = None  # asked for natively
        self.tool = None  # its name, where the answer must come as a call of it

    def add_text(self, text):
        self.texts.append(text)

    def add_media(self, kind, data):
        self.media.append((kind, base64.b64decode(data)))

    @property
    def inputs(self):
        return sorted({kind for kind, _ in self.media}) or ["text"]

    def content_hash(self):
        """Of everything that was asked: two calls with the same one ask the same."""
        digest = hashlib.sha256("\0".join(self.texts).encode())
        for kind, data in self.media:
            digest.update(kind.encode() + data)
        return digest.hexdigest()[:16]


class Answer:
    """stop: stop, truncated, blocked, blocked_prompt, recitation, malformed or empty."""

    def __init__(self, text, stop="stop", input_tokens=0, output_tokens=0):
        self.text = text
        self.stop = stop
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens


def parsed(body):
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("bad_request", "the body is not JSON") from None


def bearer(headers):
    word, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if word.lower() == "bearer" else None


def admit(key, keys):
    """Most vendors say the same of a missing key and a wrong one."""
    if not key:
        raise Refused("unauthenticated", "no key was given")
    if key not in keys:
        raise Refused("key_invalid", "the key is not valid")


def media_kind(mime):
    return "pdf" if mime == "application/pdf" else "image"


def fresh_id(prefix=""):
    return prefix + uuid.uuid4().hex[:24]


def whole_seconds(wait_s):
    """Retry-After knows whole seconds only; less than what is meant would be a lie."""
    return str(max(1, int(-(-wait_s // 1))))
