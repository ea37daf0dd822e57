"""OpenAI's chat completions, as the vendor checks them; compatible servers are laxer."""
import re

from ..shape import ANY, Bad, base64_bytes, check, check_schema, either, matching, number, one_of
from .base import Asked, Refused, admit, bearer, fresh_id, media_kind, parsed, whole_seconds

NAME = "openai"
ROUTE = re.compile(r"(?:/openai)?/v1/chat/completions")
LOOK = re.compile(r"(?:/openai)?/v1/models(?:/(?P<model>[^/]+))?")
THINKING = re.compile(r"o\d|gpt-[5-9]")  # models that reason refuse what the others take

IMAGE = re.compile(r"data:image/(?:png|jpeg|webp|gif);base64,")
FILE = re.compile(r"data:application/pdf;base64,")


def _data_url(kind):
    def hold(value, at):
        check(value, str, at)
        found = kind.match(value)
        if not found:
            raise Bad(at, f"is no data URL of the kind {kind.pattern}")
        base64_bytes(value[found.end():], at)

    return hold


TEXT_PART = {"type!": one_of("text"), "text!": str}
IMAGE_PART = {"type!": one_of("image_url"),
              "image_url!": {"url!": _data_url(IMAGE), "detail": one_of("auto", "low", "high", "original")}}
FILE_PART = {"type!": one_of("file"), "file!": {"filename!": str, "file_data!": _data_url(FILE)}}
PARTS = {"text": TEXT_PART, "image_url": IMAGE_PART, "file": FILE_PART}


def _part(value, at):
    if not isinstance(value, dict) or value.get("type") not in PARTS:
        raise Bad(at, f"the type of a part must be one of {', '.join(PARTS)}")
    check(value, PARTS[value["type"]], at)


def _message(value, at):
    if isinstance(value, dict) and value.get("role") == "user":
        check(value, {"role!": ANY, "content!": either(str, [_part]), "name": str}, at)
    else:
        check(value, {"role!": one_of("system", "developer", "assistant", "user"), "name": str,
                      "content!": either(str, [TEXT_PART])}, at)


FORMAT = {"type!": one_of("json_schema"), "json_schema!": {"name!": matching(r"[A-Za-z0-9_-]{1,64}"), "schema!": dict,
                                                          "strict": bool, "description": str}}
REQUEST = {
    "model!": str, "messages!": [_message], "max_completion_tokens": number(1, whole=True),
    "max_tokens": number(1, whole=True),
    "temperature": number(0, 2), "top_p": number(0, 1), "n": number(1, 1, True), "seed": int,
    "stop": either(str, [str]),
    "response_format": either({"type!": one_of("text", "json_object")}, FORMAT), "stream": one_of(False), "user": str,
    "store": bool, "metadata": dict, "reasoning_effort": one_of("none", "minimal", "low", "medium", "high", "xhigh"),
    "service_tier": one_of("auto", "default", "flex", "priority"), "frequency_penalty": float,
    "presence_penalty": float,
    "safety_identifier": str, "prompt_cache_key": str,
}
NO_SCHEMA = "'response_format' of type 'json_schema' is not supported with this model."
KEYWORDS = set("type properties required additionalProperties enum const items minItems maxItems minimum maximum "
               "exclusiveMinimum exclusiveMaximum multipleOf pattern format anyOf $ref $defs definitions "
               "title description".split())


def key_of(request):
    return bearer(request.headers)


def authenticate(request, keys):
    admit(key_of(request), keys)


def read(request, found):
    body = parsed(request.body)
    try:
        check(body, REQUEST)
        _check_model(body)
        wanted = body.get("response_format", {}).get("json_schema")
        if wanted:
            strict = wanted.get("strict", False)
            check_schema(wanted["schema"], f"response_format.json_schema.{wanted['name']}", KEYWORDS, strict=strict)
    except Bad as bad:
        words = f"Unrecognized request argument supplied: {bad.unknown} ({bad})" if bad.unknown else str(bad)
        raise Refused("bad_request", words) from None
    if not body["messages"]:
        raise Refused("bad_request", "[] is too short - 'messages'")
    asked = Asked(body["model"], body.get("max_completion_tokens") or body.get("max_tokens") or 16384)
    asked.schema = wanted["schema"] if wanted else None
    for message in body["messages"]:
        _take(asked, message["content"])
    return asked


def _take(asked, content):
    for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
        if part["type"] == "text":
            asked.add_text(part["text"])
        else:
            url = part["image_url"]["url"] if part["type"] == "image_url" else part["file"]["file_data"]
            head, _, data = url.partition(",")
            asked.add_media(media_kind(head[5:].partition(";")[0]), data)


def _check_model(body):
    if not THINKING.match(body["model"]):
        return
    if body.get("temperature", 1) != 1:
        raise Bad("temperature", "Unsupported value: this model supports only the default (1)")
    if "max_tokens" in body:
        raise Bad("max_tokens", "Unsupported parameter: use 'max_completion_tokens' with this model")


FINISH = {"stop": "stop", "truncated": "length", "blocked": "content_filter", "blocked_prompt": "content_filter",
          "recitation": "content_filter", "empty": "stop", "malformed": "stop"}


def answered(asked, answer):
    message = {"role": "assistant", "content": answer.text or None, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": FINISH[answer.stop]}
    usage = {"prompt_tokens": answer.input_tokens, "completion_tokens": answer.output_tokens,
             "total_tokens": answer.input_tokens + answer.output_tokens, "prompt_tokens_details": {"cached_tokens": 0},
             "completion_tokens_details": {"reasoning_tokens": 0}}
    body = {"id": fresh_id("chatcmpl-"), "object": "chat.completion", "created": 1764288000, "model": asked.model,
            "choices": [choice], "usage": usage}
    return [("x-request-id", fresh_id("req_"))], body


ERRORS = {
    "key_invalid": (401, "invalid_request_error", "invalid_api_key"),
    "unauthenticated": (401, "invalid_request_error", None),
    "forbidden": (403, "invalid_request_error", "insufficient_permissions"),
    "not_found": (404, "invalid_request_error", "model_not_found"),
    "bad_request": (400, "invalid_request_error", None),
    "rate_limited": (429, "requests", "rate_limit_exceeded"),
    "quota": (429, "insufficient_quota", "insufficient_quota"),
    "overloaded": (503, "server_error", None),
    "internal": (500, "server_error", None),
}


def refused(refusal, model):
    status, kind, code = ERRORS[refusal.kind]
    headers = [("x-request-id", fresh_id("req_"))]
    if refusal.kind in ("rate_limited", "overloaded") and refusal.wait_s is not None:
        headers += [("retry-after-ms", str(round(refusal.wait_s * 1000))),
                    ("retry-after", whole_seconds(refusal.wait_s))]
    return status, headers, {"error": {"message": refusal.message, "type": kind, "param": None, "code": code}}


def limit_headers(requests, tokens):
    headers = []
    for word, state in (("requests", requests), ("tokens", tokens)):
        if state:
            limit, remaining, reset_s = state
            headers += [(f"x-ratelimit-limit-{word}", str(limit)), (f"x-ratelimit-remaining-{word}", str(remaining)),
                        (f"x-ratelimit-reset-{word}", _duration(reset_s))]
    return headers


def _duration(seconds):
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    return (f"{int(minutes)}m" if minutes else "") + f"{rest:.3f}".rstrip("0").rstrip(".") + "s"


def look(model):
    return {"id": model, "object": "model", "owned_by": "test"} if model else {"object": "list", "data": []}
