"""The fake provider itself, asked by other people's clients in the words of the vendors' own: what it takes, what it
refuses, and what it remembers. Tests of docmill rest on it."""
import asyncio
import base64
import concurrent.futures
import json
import resource
import ssl
import time

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fake_provider import AWS_KEY_ID, AWS_SECRET, KEY, early, moods, most_at_once, repeated

ANALYSIS = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "entities": {"type": "array", "items": {
            "type": "object", "properties": {"text": {"type": "string"}, "type": {"type": "string"}},
            "required": ["text", "type"], "additionalProperties": False}},
        "keyPoints": {"type": "array", "items": {"type": "string"}},
        "sentiment": {"type": "string", "enum": ["positive", "neutral", "negative", "mixed"]},
    },
    "required": ["summary", "entities", "keyPoints", "sentiment"],
    "additionalProperties": False,
}
REDUCTION = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "keyPoints": {"type": "array", "items": {
            "type": "object",
            "properties": {"text": {"type": "string"}, "pages": {"type": "array", "items": {"type": "integer"}}},
            "required": ["text", "pages"], "additionalProperties": False}},
    },
    "required": ["summary", "keyPoints"],
    "additionalProperties": False,
}
PAGE = "Document d7, page 3\nThe harbour of Rotterdam was closed."
PDF = base64.b64encode(b"%PDF-1.5 a page").decode()
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n a picture").decode()


@pytest.fixture
def one(fake):
    with httpx.Client(base_url=fake.url, trust_env=False, verify=False, timeout=10) as client:
        yield lambda name, text=PAGE, **more: VENDORS[name].ask(client, text, **more)


# ---- the vendors' words ---------------------------------------------------------------------------------------------


class Gemini:
    path = "/v1beta/models/gemini-2.5-flash:generateContent"

    @staticmethod
    def body(text, schema, media=None, limit=4096):
        part = {"pdf": {"inlineData": {"mimeType": "application/pdf", "data": PDF}},
                "image": {"inlineData": {"mimeType": "image/png", "data": PNG}}}.get(media)
        return {"contents": [{"role": "user", "parts": ([part] if part else []) + [{"text": text}]}],
                "generationConfig": {"temperature": 0, "maxOutputTokens": limit, "responseMimeType": "application/json",
                                     "responseJsonSchema": schema, "thinkingConfig": {"thinkingBudget": 0}}}

    @classmethod
    def ask(cls, client, text, schema=ANALYSIS, key=KEY, change=None, **more):
        body = cls.body(text, schema, **more)
        if change:
            change(body)
        return client.post(cls.path, json=body, headers={"x-goog-api-key": key})

    @staticmethod
    def text(said):
        return said["candidates"][0]["content"]["parts"][0]["text"]

    @staticmethod
    def stop(said):
        return said["candidates"][0]["finishReason"] if "candidates" in said else said["promptFeedback"]["blockReason"]


class OpenAi:
    @staticmethod
    def body(text, schema, media=None, limit=4096):
        part = {"pdf": {"type": "file",
                        "file": {"filename": "p.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
                "image": {"type": "image_url",
                          "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "high"}}}.get(media)
        content = [{"type": "text", "text": text}] + ([part] if part else [])
        return {"model": "gpt-4.1-mini", "messages": [{"role": "system", "content": "You read."},
                                                     {"role": "user", "content": content}],
                "max_completion_tokens": limit,
                "response_format": {"type": "json_schema",
                                    "json_schema": {"name": "page", "strict": True, "schema": schema}}}

    @classmethod
    def ask(cls, client, text, schema=ANALYSIS, key=KEY, change=None, **more):
        body = cls.body(text, schema, **more)
        if change:
            change(body)
        return client.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"})

    @staticmethod
    def text(said):
        return said["choices"][0]["message"]["content"]

    @staticmethod
    def stop(said):
        return said["choices"][0]["finish_reason"]


class Anthropic:
    @staticmethod
    def body(text, schema, media=None, limit=4096):
        part = {"pdf": {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
                "image": {"type": "image",
                          "source": {"type": "base64", "media_type": "image/png", "data": PNG}}}.get(media)
        return {"model": "claude-haiku-4-5", "max_tokens": limit, "system": "You read.",
                "messages": [{"role": "user", "content": ([part] if part else []) + [{"type": "text", "text": text}]}],
                "output_config": {"format": {"type": "json_schema", "schema": schema}}}

    @classmethod
    def ask(cls, client, text, schema=ANALYSIS, key=KEY, change=None, version="2026-10-21", **more):
        body = cls.body(text, schema, **more)
        if change:
            change(body)
        return client.post("/v1/messages", json=body, headers={"x-api-key": key, "anthropic-version": version})

    @staticmethod
    def text(said):
        return said["content"][0]["text"]

    @staticmethod
    def stop(said):
        return said["stop_reason"]


class Bedrock:
    path = "/model/amazon.nova-lite-v1%3A0/converse"

    @staticmethod
    def body(text, schema, media=None, limit=4096):
        part = {"pdf": {"document": {"format": "pdf", "name": "page 1", "source": {"bytes": PDF}}},
                "image": {"image": {"format": "png", "source": {"bytes": PNG}}}}.get(media)
        return {"messages": [{"role": "user", "content": ([part] if part else []) + [{"text": text}]}],
                "inferenceConfig": {"maxTokens": limit, "temperature": 0},
                "toolConfig": {"tools": [{"toolSpec": {"name": "emit", "inputSchema": {"json": schema}}}],
                               "toolChoice": {"tool": {"name": "emit"}}}}

    @classmethod
    def ask(cls, client, text, schema=ANALYSIS, key=None, change=None, secret=AWS_SECRET, **more):
        body = cls.body(text, schema, **more)
        if change:
            change(body)
        data = json.dumps(body).encode()
        request = client.build_request("POST", cls.path, content=data, headers={"content-type": "application/json"})
        if key:
            request.headers["authorization"] = f"Bearer {key}"
        else:
            signed = AWSRequest("POST", str(request.url), {"content-type": "application/json"}, data)
            SigV4Auth(Credentials(AWS_KEY_ID, secret), "bedrock", "us-east-1").add_auth(signed)
            request.headers.update(dict(signed.headers))
        return client.send(request)

    @staticmethod
    def text(said):
        content = said["output"]["message"]["content"][0]
        return json.dumps(content["toolUse"]["input"]) if "toolUse" in content else content["text"]

    @staticmethod
    def stop(said):
        return said["stopReason"]


VENDORS = {"gemini": Gemini, "openai": OpenAi, "anthropic": Anthropic, "bedrock": Bedrock}
every_vendor = pytest.mark.parametrize("name", VENDORS)


# ---- answers --------------------------------------------------------------------------------------------------------


@every_vendor
@pytest.mark.parametrize("http2", [False, True], ids=["1.1", "2"])
@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_every_protocol_answers_in_both_versions_of_http_in_clear_and_with_tls(fake, name, http2, tls):
    verify = ssl.create_default_context(cafile=fake.certificate) if tls else False
    with httpx.Client(base_url=fake.tls_url if tls else fake.url, http1=not http2, http2=http2, verify=verify,
                      trust_env=False) as client:
        answer = VENDORS[name].ask(client, PAGE)
    assert answer.status_code == 200, answer.text
    said = json.loads(VENDORS[name].text(answer.json()))
    assert set(said) == set(ANALYSIS["properties"]) and "Rotterdam" in said["summary"]
    (call,) = fake.calls()
    assert (call.protocol, call.http, call.tls) == (name, "2" if http2 else "1.1", tls)
    assert (call.document, call.page, call.task, call.inputs) == ("d7", 3, "page", ["text"])
    assert call.good and call.arrived <= call.answered <= call.ended and call.output_tokens > 10


@every_vendor
@pytest.mark.parametrize("media", ["image", "pdf"])
def test_pages_may_come_as_pictures(fake, one, name, media):
    assert one(name, media=media).status_code == 200
    (call,) = fake.calls()
    assert call.inputs == [media]


@every_vendor
def test_a_reduction_is_known_by_its_schema_and_cites_pages_of_the_prompt(fake, one, name):
    said = json.loads(VENDORS[name].text(one(name, "Page 4: calm.\nPage 9: storm.", schema=REDUCTION).json()))
    assert all(set(point["pages"]) <= {4, 9} and point["pages"] for point in said["keyPoints"])
    assert fake.calls()[0].task == "reduction"


# ---- moods ----------------------------------------------------------------------------------------------------------

STOPS = {
    "truncated": ("MAX_TOKENS", "length", "max_tokens", "max_tokens"),
    "blocked": ("SAFETY", "content_filter", "refusal", "guardrail_intervened"),
    "blocked_prompt": ("PROHIBITED_CONTENT", "content_filter", "refusal", "guardrail_intervened"),
    "recitation": ("RECITATION", "content_filter", "refusal", "content_filtered"),
    "empty": ("STOP", "stop", "end_turn", "end_turn"),
}
STATUSES = {
    "429": (429, 429, 429, 429), "503": (503, 503, 529, 503), "500": (500, 500, 500, 500),
    "quota": (429, 429, 402, 429),
    "401": (400, 401, 401, 403), "403": (403, 403, 403, 403), "400": (400, 400, 400, 400),
}


@every_vendor
def test_each_mood_is_told_as_the_vendor_tells_it(fake, one, name):
    place = list(VENDORS).index(name)
    for mood, stops in STOPS.items():
        fake.next(mood)
        said = one(name).json()
        assert VENDORS[name].stop(said) == stops[place], mood
    for mood, statuses in STATUSES.items():
        fake.next(mood)
        assert one(name).status_code == statuses[place], mood
    fake.next("garbage")
    with pytest.raises(ValueError):
        one(name).json()
    if name != "bedrock":  # a tool's input is always JSON
        fake.next("invalid_json")
        with pytest.raises(ValueError):
            json.loads(VENDORS[name].text(one(name).json()))
    fake.next("schema_mismatch")
    assert set(json.loads(VENDORS[name].text(one(name).json()))) != set(ANALYSIS["required"])
    assert one(name).status_code == 200, "the script is over"


@every_vendor
def test_a_limit_refuses_with_the_vendors_hint_and_is_over_when_it_says(fake, one, name):
    fake.change(request_limit="10/s", request_burst=1)
    assert one(name).status_code == 200
    answer = one(name)
    assert answer.status_code == 429
    told = {"gemini": lambda: float(answer.json()["error"]["details"][1]["retryDelay"].rstrip("s")),
            "openai": lambda: int(answer.headers["retry-after-ms"]) / 1000,
            "anthropic": lambda: 0.1 if answer.headers["retry-after"] == "1" else None,
            "bedrock": lambda: 0.1 if "retry-after" not in answer.headers else None}[name]()
    assert 0 < told <= 0.1
    time.sleep(told + 0.002)
    assert one(name).status_code == 200
    assert not early(fake.calls(), grace_s=0)
    assert moods(fake.calls()) == {"ok": 2, "429": 1}
    fake.change(hints=False, request_limit="1/m")
    one(name)
    bare = one(name)
    assert bare.status_code == 429 and "retry-after" not in bare.headers and "details" not in bare.text
    assert not any("ratelimit" in header for header in bare.headers)


def test_answers_tell_what_is_left_of_the_limits(fake, one):
    fake.change(request_limit="600/m", token_limit="100000/m")
    headers = one("openai").headers
    assert headers["x-ratelimit-limit-requests"] == "600" and headers["x-ratelimit-remaining-requests"] == "599"
    assert int(headers["x-ratelimit-remaining-tokens"]) < 100000 and headers["x-ratelimit-reset-requests"] == "100ms"
    headers = one("anthropic").headers
    assert headers["anthropic-ratelimit-requests-limit"] == "600"
    assert headers["anthropic-ratelimit-tokens-reset"].endswith("Z")


def test_calls_that_come_too_early_or_twice_are_seen(fake, one):
    fake.next("429", retry_after_ms=10_000)
    one("gemini")
    time.sleep(0.03)
    one("gemini")
    one("gemini")
    assert [call.number for call in early(fake.calls())] == [call.number for call in fake.calls()[1:]]
    assert [call.number for call in repeated(fake.calls())] == [fake.calls()[2].number]


def test_more_calls_at_once_than_allowed_are_refused(fake):
    fake.change(concurrency_limit=3, latency_ms="200")
    with httpx.Client(base_url=fake.url, http1=False, http2=True, verify=False, trust_env=False) as client, \
            concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(answer.status_code for answer in pool.map(lambda _: Gemini.ask(client, PAGE), range(8)))
    assert statuses == [200] * 3 + [429] * 5
    assert most_at_once(fake.calls(mood="ok")) == 3


def test_a_daily_quota_ends_and_a_revoked_key_is_refused(fake, one):
    fake.change(daily_quota=1)
    assert one("gemini").status_code == 200
    assert "PerDay" in one("gemini").text
    fake.change(daily_quota=0, revoke_after_calls=1)
    assert [one("openai").status_code for _ in range(3)] == [200, 401, 401]
    fake.change(revoke_after_calls=0)
    assert one("openai").status_code == 200


@pytest.mark.parametrize("http2", [False, True], ids=["1.1", "2"])
def test_broken_and_endless_answers(fake, http2):
    with httpx.Client(base_url=fake.url, http1=not http2, http2=http2, verify=False, trust_env=False,
                      timeout=0.3) as client:
        for mood in ("cut", "silent", "noise"):
            fake.next(mood)
            with pytest.raises(httpx.ProtocolError):
                Gemini.ask(client, PAGE)
        fake.next("redirect")
        answer = Gemini.ask(client, PAGE)
        assert answer.status_code == 307 and answer.headers["location"] == Gemini.path
        fake.next("endless_headers")
        with pytest.raises(httpx.ProtocolError):
            Gemini.ask(client, PAGE)
        for mood in ("hang", "stall"):
            fake.next(mood)
            with pytest.raises(httpx.ReadTimeout):
                Gemini.ask(client, PAGE)
        fake.next("endless")
        taken = 0
        with client.stream("POST", Gemini.path, json=Gemini.body(PAGE, ANALYSIS),
                           headers={"x-goog-api-key": KEY}) as answer:
            for piece in answer.iter_bytes():
                taken += len(piece)
                if taken > 3_000_000:
                    break
        assert Gemini.ask(client, PAGE).status_code == 200
    fake.until(lambda now: now.state()["in_flight"] == 0, "those that their client left have ended", 2)
    gone = {call.mood: call.gone for call in fake.calls()}
    assert gone.pop("endless_headers") in (True, False)  # HTTP/2's have an end, far past what clients take
    broken = {"cut": False, "silent": False, "noise": False, "redirect": False}
    assert gone == broken | {"hang": True, "stall": True, "endless": True, "ok": False}


# ---- strictness -----------------------------------------------------------------------------------------------------

WRONG = {
    "gemini": [
        lambda body: body.update(temperature=0),
        lambda body: body["generationConfig"].update(responseSchema={"type": "OBJECT"}),
        lambda body: body["generationConfig"].pop("responseMimeType"),
        lambda body: body["generationConfig"]["thinkingConfig"].update(thinkingLevel="LOW"),
        lambda body: body["generationConfig"]["responseJsonSchema"].update(maxLength=1),
        lambda body: body["contents"][0]["parts"].append({"inlineData": {"mimeType": "image/png", "data": "%%%"}}),
        lambda body: body["contents"][0]["parts"].append({"text": "a", "fileData": {"fileUri": "x"}}),
        lambda body: body["contents"][0].update(role="system"),
    ],
    "openai": [
        lambda body: body.update(maxTokens=1),
        lambda body: body.update(model="gpt-5.4-mini", temperature=0),
        lambda body: body["response_format"]["json_schema"]["schema"].update(required=["summary"]),
        lambda body: body["response_format"]["json_schema"]["schema"].pop("additionalProperties"),
        lambda body: body["messages"][1]["content"].append({"type": "image_url",
                                                            "image_url": {"url": "http://x/y.png"}}),
    ],
    "anthropic": [
        lambda body: body.update(temperature=0),
        lambda body: body.pop("max_tokens"),
        lambda body: body["output_config"]["format"]["schema"].pop("additionalProperties"),
        lambda body: body["messages"].insert(0, {"role": "system", "content": "x"}),
    ],
    "bedrock": [
        lambda body: body.update(model="x"),
        lambda body: body["messages"][0]["content"].append({"document": {"format": "pdf", "name": "p_1.pdf",
                                                                         "source": {"bytes": PDF}}}),
        lambda body: body["toolConfig"]["toolChoice"]["tool"].update(name="other"),
        lambda body: body["messages"][0].update(content=[{"document": {"format": "pdf", "name": "p",
                                                                       "source": {"bytes": PDF}}}]),
    ],
}


@every_vendor
def test_what_the_vendor_would_refuse_is_refused(fake, one, name):
    for number, change in enumerate(WRONG[name]):
        schema = json.loads(json.dumps(ANALYSIS))
        answer = one(name, schema=schema, change=change)
        assert answer.status_code == 400, f"{name}, change {number}: {answer.status_code} {answer.text}"
    assert all(call.complaint and call.status == 400 for call in fake.calls())


def test_keys_and_signatures_are_checked(fake, one):
    assert "API_KEY_INVALID" in one("gemini", key="other").text
    assert one("gemini", key="").status_code == 403
    assert one("openai", key="other").status_code == one("anthropic", key="other").status_code == 401
    assert one("anthropic", version="2020-01-01").status_code == 400
    wrong = one("bedrock", secret="other")
    assert wrong.status_code == 403 and wrong.headers["x-amzn-errortype"].startswith("InvalidSignatureException")
    assert one("bedrock", key=KEY).status_code == 200, "a bearer token"
    assert one("bedrock", key="other").status_code == 403
    assert len({call.key for call in fake.calls()}) == 4
    assert KEY not in json.dumps([call.as_dict() for call in fake.calls()])


# ---- its own size ---------------------------------------------------------------------------------------------------


def test_it_holds_thousands_of_calls_open_at_once(fake):
    fake.change(latency_ms="1200")
    count = 2500
    body = json.dumps(Gemini.body(PAGE, ANALYSIS)).encode()
    head = f"POST {Gemini.path} HTTP/1.1\r\nhost: x\r\nx-goog-api-key: {KEY}\r\ncontent-type: application/json\r\n" \
           f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"

    async def ask():
        reader, writer = await asyncio.open_connection("127.0.0.1", fake.port)
        writer.write(head.encode() + body)
        answer = await reader.read()
        writer.close()
        return answer.startswith(b"HTTP/1.1 200 ")

    async def all_of_them():
        return await asyncio.gather(*(ask() for _ in range(count)))

    _allow_connections(count + 200)
    assert all(asyncio.run(all_of_them()))
    assert most_at_once(fake.calls()) > count * 0.8


def _allow_connections(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(count, hard)), hard))


def test_a_wrong_setting_is_refused_with_its_name(fake):
    wrong = [({"latency": "5"}, "latency"), ({"latency_ms": "soon"}, "soon"), ({"shares": {"429": 2}}, "429")]
    for settings, word in wrong:
        with pytest.raises(RuntimeError, match=word):
            fake.change(**settings)
