"""Anthropic's messages."""
import datetime
import re

from ..shape import Bad, base64_bytes, check, check_schema, either, number, one_of
from .base import Asked, Refused, admit, bearer, fresh_id, media_kind, parsed, whole_seconds

NAME = "anthropic"
ROUTE = re.compile(r"/v1/messages")
LOOK = re.compile(r"/v1/models(?:/(?P<model>[^/]+))?")
VERSIONS = ("2023-06-01", "2026-10-21")
NO_SAMPLING_SINCE = "2026-10-21"
BODY_MAX = 32 * 1024 * 1024

CACHE = {"type!": one_of("ephemeral"), "ttl": one_of("5m", "1h")}
TEXT_PART = {"type!": one_of("text"), "text!": str, "cache_control": CACHE}


def _source(*types):
    return {"type!": one_of("base64"), "media_type!": one_of(*types), "data!": base64_bytes}


PARTS = {
    "text": TEXT_PART,
    "image": {"type!": one_of("image"), "source!": _source("image/png", "image/jpeg", "image/gif", "image/webp"),
              "cache_control": CACHE},
    "document": {"type!": one_of("document"), "source!": _source("application/pdf"), "title": str, "context": str,
                 "cache_control": CACHE},
}


def _part(value, at):
    if not isinstance(value, dict) or value.get("type") not in PARTS:
        raise Bad(at, f"the type of a block must be one of {', '.join(PARTS)}")
    check(value, PARTS[value["type"]], at)


MESSAGE = {"role!": one_of("user", "assistant"), "content!": either(str, [_part])}
REQUEST = {
    "model!": str, "max_tokens!": number(1, whole=True), "messages!": [MESSAGE],
    "system": either(str, [TEXT_PART]),
    "temperature": number(0, 1), "top_p": number(0, 1), "top_k": number(0, whole=True), "stop_sequences": [str],
    "stream": one_of(False), "metadata": {"user_id": str}, "service_tier": one_of("auto", "standard_only"),
    "thinking": {"type!": one_of("enabled", "disabled", "adaptive"), "budget_tokens": number(1024, whole=True)},
    "output_config": {"format": {"type!": one_of("json_schema"), "schema!": dict},
                      "effort": one_of("low", "medium", "high", "max")},
}
NO_SCHEMA = "output_config.format: Extra inputs are not permitted"
# Numbers, lengths and counts are not to be limited.
KEYWORDS = set("type properties required additionalProperties enum const items anyOf allOf $ref $defs definitions "
               "title description format default pattern minItems".split())


def key_of(request):
    return request.headers.get("x-api-key") or bearer(request.headers)


def authenticate(request, keys):
    admit(key_of(request), keys)


def read(request, found):
    version = request.headers.get("anthropic-version")
    if version not in VERSIONS:
        raise Refused("bad_request", f"anthropic-version: \"{version or ''}\" is not a valid version")
    if len(request.body) > BODY_MAX:
        raise Refused("bad_request", "Request exceeds the maximum size")
    body = parsed(request.body)
    try:
        check(body, REQUEST)
        if version >= NO_SAMPLING_SINCE and {"temperature", "top_p", "top_k"} & set(body):
            raise Bad("temperature", "sampling parameters were removed from this version")
        wanted = body.get("output_config", {}).get("format")
        if wanted:
            check_schema(wanted["schema"], "output_config.format.schema", KEYWORDS, closed=True)
    except Bad as bad:
        words = f"{bad.at or 'body'}: {bad.unknown}: Extra inputs are not permitted" if bad.unknown else str(bad)
        raise Refused("bad_request", words) from None
    if not body["messages"]:
        raise Refused("bad_request", "messages: at least one message is required")
    asked = Asked(body["model"], body["max_tokens"])
    asked.schema = wanted["schema"] if wanted else None
    for content in [body.get("system", []), *(message["content"] for message in body["messages"])]:
        _take(asked, content)
    return asked


def _take(asked, content):
    for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
        if part["type"] == "text":
            asked.add_text(part["text"])
        else:
            asked.add_media(media_kind(part["source"]["media_type"]), part["source"]["data"])


STOP = {"stop": "end_turn", "truncated": "max_tokens", "blocked": "refusal", "blocked_prompt": "refusal",
        "recitation": "refusal", "empty": "end_turn", "malformed": "end_turn"}


def answered(asked, answer):
    stop = STOP[answer.stop]
    body = {"id": fresh_id("msg_"), "type": "message", "role": "assistant", "model": asked.model,
            "content": [{"type": "text", "text": answer.text}] if answer.text else [], "stop_reason": stop,
            "stop_sequence": None,
            "usage": {"input_tokens": answer.input_tokens, "cache_creation_input_tokens": 0,
                      "cache_read_input_tokens": 0, "output_tokens": answer.output_tokens}}
    if stop == "refusal":
        body["stop_details"] = {"type": "refusal", "category": "policy"}
    return [("request-id", fresh_id("req_"))], body


ERRORS = {
    "key_invalid": (401, "authentication_error"), "unauthenticated": (401, "authentication_error"),
    "forbidden": (403, "permission_error"), "not_found": (404, "not_found_error"),
    "bad_request": (400, "invalid_request_error"), "rate_limited": (429, "rate_limit_error"),
    "quota": (402, "billing_error"), "overloaded": (529, "overloaded_error"), "internal": (500, "api_error"),
}


def refused(refusal, model):
    status, kind = ERRORS[refusal.kind]
    request_id = fresh_id("req_")
    headers = [("request-id", request_id)]
    if refusal.kind == "rate_limited" and refusal.wait_s is not None:
        headers.append(("retry-after", whole_seconds(refusal.wait_s)))
    error = {"type": kind, "message": refusal.message}
    return status, headers, {"type": "error", "error": error, "request_id": request_id}


def limit_headers(requests, tokens):
    headers = []
    for word, state in (("requests", requests), ("tokens", tokens)):
        if state:
            limit, remaining, reset_s = state
            when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=reset_s)
            name = f"anthropic-ratelimit-{word}-"
            headers += [(name + "limit", str(limit)), (name + "remaining", str(remaining)),
                        (name + "reset", when.strftime("%Y-%m-%dT%H:%M:%SZ"))]
    return headers


def look(model):
    return {"type": "model", "id": model, "display_name": model} if model else {"data": [], "has_more": False}
