"""Decides what becomes of each call: who may, what the limits say, which mood takes it; and remembers it."""
import asyncio
import collections
import hashlib
import json
import random
import time

from . import analysis
from .http import Reply
from .protocols import PROTOCOLS
from .protocols.base import Answer, Refused
from .record import Call
from .settings import MOODS, Bucket, delay, rate

RECORD_MAX = 1_000_000
JSON = ("content-type", "application/json; charset=UTF-8")
REFUSALS = {"429": "rate_limited", "503": "overloaded", "500": "internal", "quota": "quota", "401": "key_invalid",
            "403": "forbidden", "400": "bad_request"}
STOPS = {"empty": "empty", "blocked": "blocked", "blocked_prompt": "blocked_prompt", "recitation": "recitation",
         "truncated": "truncated"}
DELIVERIES = {mood: mood for mood in ("cut", "stall", "endless", "endless_headers", "noise", "silent")}
GARBAGE = b"<html><body>\xff\xfe It works! \x00</body></html>" * 20


class Key:
    """What is counted for one key."""

    def __init__(self, settings):
        self.under_way = 0
        self.answered = 0
        self.requests = Bucket(rate(settings.request_limit), settings.request_burst) if settings.request_limit else None
        self.tokens = Bucket(rate(settings.token_limit), settings.token_burst) if settings.token_limit else None


class Provider:
    def __init__(self, settings):
        self.calls = collections.deque(maxlen=RECORD_MAX)
        self.script = []
        self.in_flight = 0
        self.looks = 0
        self.number = 0
        self.change(settings)

    # -- control

    def change(self, settings):
        """From the next call on. Limits begin full again."""
        self.settings = settings
        self.dice = random.Random(settings.seed)
        self.keys = {}
        self.since_change = 0
        self.max_streams = settings.max_streams

    def add_script(self, steps):
        """[{mood, and where wanted page, task, times, retry_after_ms}]: the first that fits takes the next call."""
        for step in steps:
            unknown = set(step) - {"mood", "page", "task", "times", "retry_after_ms"}
            if unknown or step.get("mood") not in (*MOODS, "ok"):
                raise ValueError(f"no step of a script: {step}")
        self.script += [dict(step, times=step.get("times", 1)) for step in steps]

    # -- calls

    def arrived(self, stream):
        request = stream.request
        for protocol in PROTOCOLS:
            found = protocol.ROUTE.fullmatch(request.path)
            if found:
                return self._call(stream, protocol, found.groupdict())
        for protocol in PROTOCOLS:
            found = protocol.LOOK.fullmatch(request.path)
            # Gemini, OpenAI and Anthropic list models under one path; their headers differ.
            others = (protocol.NAME != "anthropic" and "anthropic-version" in request.headers) or \
                (protocol.NAME == "gemini" and "authorization" in request.headers)
            if found and request.method == "GET" and not others:
                return self._look(stream, protocol, found.groupdict().get("model"))
        stream.send(Reply(404, [JSON], b'{"error": {"code": 404, "message": "there is nothing here"}}'))

    def _look(self, stream, protocol, model):
        """Asking for the models there are costs nothing and counts nowhere."""
        self.looks += 1
        try:
            self._authenticate(protocol, stream.request)
            self._find(model)
            stream.send(Reply(200, [JSON], json.dumps(protocol.look(model)).encode()))
        except Refused as refusal:
            stream.send(_refusal(protocol, refusal, model))

    def _call(self, stream, protocol, found):
        request = stream.request
        self.number += 1
        self.since_change += 1
        self.in_flight += 1
        key = protocol.key_of(request)
        call = Call(number=self.number, arrived=time.monotonic(), protocol=protocol.NAME, http=request.http,
                    tls=request.tls, connection=request.connection, key=_hashed(key), model=found.get("model"),
                    in_flight=self.in_flight)
        stream.call = call
        self.calls.append(call)
        try:
            reply = self._decided(call, protocol, request, found)
            wait_s = delay(self.settings.latency_ms, self.dice)
        except Refused as refusal:
            self._release(call)  # a refusal that takes its time is no call under way
            call.complaint = refusal.message
            call.mood = call.mood or refusal.kind
            call.told_wait_s = refusal.wait_s if refusal.kind in ("rate_limited", "overloaded") else None
            reply = _refusal(protocol, refusal, call.model)
            wait_s = delay(self.settings.refusal_ms, self.dice)
        if reply is None:
            return  # it hangs until the client leaves
        if wait_s > 0:
            stream.timer = asyncio.get_running_loop().call_later(wait_s, self._answer, stream, reply)
        else:
            self._answer(stream, reply)

    def _answer(self, stream, reply):
        stream.timer = None
        stream.call.answered = time.monotonic()
        stream.call.status = reply.status
        stream.send(reply)

    def ended(self, stream, gone):
        call = stream.call
        if call is None:
            return
        call.ended = time.monotonic()
        call.gone = gone
        self.in_flight -= 1
        self._release(call)

    @staticmethod
    def _release(call):
        if call.counter:
            call.counter.under_way -= 1
            call.counter = None

    def _authenticate(self, protocol, request):
        after = self.settings.revoke_after_calls
        if self.settings.revoked or (after and self.since_change > after):
            raise Refused("key_invalid", "The key has been revoked.")
        protocol.authenticate(request, self.settings.keys)

    def _find(self, model):
        if model and self.settings.models and model not in self.settings.models:
            raise Refused("not_found", f"there is no model {model}")

    def _decided(self, call, protocol, request, found):
        """The reply, or None where there is none; or Refused."""
        if request.method != "POST":
            raise Refused("not_found", "this takes POST only")
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Refused("bad_request", "content-type must be application/json")
        self._authenticate(protocol, request)
        asked = protocol.read(request, found)
        facts = analysis.Facts(asked)
        call.model, call.content, call.max_output = asked.model, asked.content_hash(), asked.max_output
        call.inputs, call.input_tokens = asked.inputs, facts.input_tokens
        call.document, call.page, call.task = facts.document, facts.page, "reduction" if facts.reduction else "page"
        self._find(asked.model)
        if asked.schema and not self.settings.schemas:
            raise Refused("bad_request", protocol.NO_SCHEMA)
        step = self._step(call)
        key = self._admit(call, facts, free=step is not None)
        call.mood = mood = step["mood"] if step else self._mood(asked)
        if mood in REFUSALS:
            told_ms = step.get("retry_after_ms", self.settings.retry_after_ms) if step else self.settings.retry_after_ms
            raise Refused(REFUSALS[mood], "as it was set", told_ms / 1000 if self.settings.hints else None)
        return self._reply(call, protocol, asked, facts, key, mood, request.path)

    def _step(self, call):
        for number, step in enumerate(self.script):
            if step.get("page") in (None, call.page) and step.get("task") in (None, call.task):
                step["times"] -= 1
                if step["times"] == 0:
                    del self.script[number]
                return step
        return None

    def _mood(self, asked):
        if asked.max_output < self.settings.truncate_below:
            return "truncated"
        chance = self.dice.random()
        for mood, share in self.settings.shares.items():
            chance -= share
            if chance < 0:
                return mood
        return "ok"

    def _admit(self, call, facts, free):
        """Takes what the limits give; what a script decides is outside of them."""
        key = self.keys.get(call.key) or self.keys.setdefault(call.key, Key(self.settings))
        key.under_way += 1
        call.counter = key
        if free:
            return key
        settings = self.settings
        if settings.daily_quota and key.answered >= settings.daily_quota:
            call.mood = "quota"
            raise Refused("quota", "the quota of the day is used up", 3600.0 if settings.hints else None,
                          limit=settings.daily_quota)
        wait_s = 0.0
        if settings.concurrency_limit and key.under_way > settings.concurrency_limit:
            wait_s = settings.retry_after_ms / 1000
        tokens = facts.input_tokens + analysis.output_tokens(facts.text) // 4
        for bucket, count in ((key.requests, 1), (key.tokens, tokens)):
            if bucket:
                wait_s = max(wait_s, bucket.wait_s(count, call.arrived))
        if wait_s > 0:
            call.mood = "429"
            raise Refused("rate_limited", "a limit is met", wait_s if settings.hints else None,
                          limit=key.requests.a_minute() if key.requests and settings.hints else None)
        for bucket, count in ((key.requests, 1), (key.tokens, tokens)):
            if bucket:
                bucket.take(count)
        return key

    def _reply(self, call, protocol, asked, facts, key, mood, path):
        if mood == "hang":
            return None
        if mood == "garbage":
            return Reply(200, [("content-type", "text/html")], GARBAGE)
        if mood == "redirect":
            return Reply(307, [JSON, ("location", path)], b"{}")
        write = {"invalid_json": analysis.broken, "schema_mismatch": analysis.mismatched}.get(mood, analysis.written)
        text = write(facts)
        if mood == "ok" and analysis.output_tokens(text) > asked.max_output:
            call.mood = mood = "truncated"
        if mood in STOPS:
            text = text[: min(len(text) // 2, 4 * asked.max_output)] if mood == "truncated" else ""
        call.output_tokens = min(asked.max_output, analysis.output_tokens(text)) if text else 0
        answer = Answer(text, STOPS.get(mood, "stop"), call.input_tokens, call.output_tokens)
        headers, body = protocol.answered(asked, answer)
        key.answered += 1
        if self.settings.hints:
            states = (bucket and bucket.state() for bucket in (key.requests, key.tokens))
            headers = headers + protocol.limit_headers(*states)
        return Reply(200, [JSON, *headers], json.dumps(body).encode(), DELIVERIES.get(mood, "whole"),
                     self.settings.endless_mb << 20)


def _refusal(protocol, refusal, model):
    status, headers, body = protocol.refused(refusal, model)
    return Reply(status, [JSON, *headers], json.dumps(body).encode())


def _hashed(key):
    """Keys are no secret here, but a habit of showing them would be."""
    return hashlib.sha256(key.encode()).hexdigest()[:12] if key else None
