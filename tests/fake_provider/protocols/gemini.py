"""Gemini's generateContent (Developer API)."""
import re

from ..shape import ANY, Bad, base64_bytes, both, check, check_schema, either, just_one_of, number, one_of
from .base import Asked, Refused, admit, fresh_id, media_kind, parsed

NAME = "gemini"
ROUTE = re.compile(r"/(?:v1|v1beta)/models/(?P<model>[^/:]+):generateContent")
LOOK = re.compile(r"/(?:v1|v1beta)/models(?:/(?P<model>[^/:]+))?")
INLINE_MAX = 20 * 1024 * 1024

TYPES = "image/png image/jpeg image/webp image/heic image/heif application/pdf text/plain".split()
DATA = ("text", "inlineData", "fileData")
PART = both(
    {"text": str, "inlineData": {"mimeType!": one_of(*TYPES), "data!": base64_bytes},
     "fileData": {"mimeType": str, "fileUri!": str}, "thought": bool, "thoughtSignature": str,
     "mediaResolution": {"level": str}},
    just_one_of(*DATA),
)
CONTENT = {"role": one_of("user", "model"), "parts!": [PART]}
LEVELS = one_of("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")
CONFIG = {
    "temperature": number(0, 2), "topP": number(0, 1), "topK": number(0, whole=True),
    "candidateCount": number(1, 8, True), "maxOutputTokens": number(1, 65536, True), "stopSequences": [str],
    "seed": int, "presencePenalty": float,
    "frequencyPenalty": float, "responseMimeType": one_of("application/json", "text/plain", "text/x.enum"),
    "responseSchema": dict, "responseJsonSchema": dict, "responseModalities": [str],
    "mediaResolution": one_of("MEDIA_RESOLUTION_LOW", "MEDIA_RESOLUTION_MEDIUM", "MEDIA_RESOLUTION_HIGH"),
    "thinkingConfig": {"thinkingBudget": number(-1, 32768, True), "thinkingLevel": LEVELS, "includeThoughts": bool},
}
HARMS = one_of(*("HARM_CATEGORY_" + word for word in (
    "HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY")))
THRESHOLDS = one_of("OFF", "BLOCK_NONE", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE")
REQUEST = {
    "contents!": [CONTENT], "systemInstruction": either({"role": ANY, "parts!": [{"text!": str}]}),
    "safetySettings": [{"category!": HARMS, "threshold!": THRESHOLDS}], "generationConfig": CONFIG,
    "tools": list, "toolConfig": dict, "cachedContent": str,
}
NO_SCHEMA = "Invalid JSON payload received. Unknown name \"responseJsonSchema\" at 'generation_config': Cannot find field."
KEYWORDS = set("type properties required additionalProperties enum items prefixItems minItems maxItems minimum maximum "
               "anyOf oneOf $ref $defs $id $anchor format title description propertyOrdering".split())
# The OpenAPI form: types in capitals, and no additionalProperties.
OPENAPI_KEYWORDS = set("type format title description nullable enum maxItems minItems properties required "
                       "minProperties maxProperties minLength maxLength pattern example anyOf propertyOrdering default items "
                       "minimum maximum".split())


def key_of(request):
    return request.headers.get("x-goog-api-key")


def authenticate(request, keys):
    if not key_of(request):
        raise Refused("forbidden", "Method doesn't allow unregistered callers. Please use API Key.")
    admit(key_of(request), keys)


def read(request, found):
    if "key=" in request.query:
        raise Refused("bad_request", "the key belongs into a header: an address lands in logs")
    body = _camel(parsed(request.body))
    try:
        check(body, REQUEST)
        config = body.get("generationConfig", {})
        _check_config(config, found["model"])
    except Bad as bad:
        words = f"Invalid JSON payload received. {bad}"
        raise Refused("bad_request", words + (": Cannot find field." if bad.unknown else "")) from None
    if len(request.body) > INLINE_MAX:
        raise Refused("bad_request", f"Request payload size exceeds the limit: {INLINE_MAX} bytes.")
    if not body["contents"] or not body["contents"][-1]["parts"]:
        raise Refused("bad_request", "* GenerateContentRequest.contents: contents is not specified")
    asked = Asked(found["model"], config.get("maxOutputTokens", 65536))
    asked.schema = config.get("responseJsonSchema") or config.get("responseSchema")
    for content in [body.get("systemInstruction", {"parts": []}), *body["contents"]]:
        for part in content["parts"]:
            if "text" in part:
                asked.add_text(part["text"])
            elif "inlineData" in part:
                asked.add_media(media_kind(part["inlineData"]["mimeType"]), part["inlineData"]["data"])
    return asked


def _camel(value, below=None):
    """proto3 also accepts the names in snake case. Schemas are values, whose names are their own."""
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for name, member in value.items():
        name = re.sub(r"(?<=[a-z])_([a-z])", lambda found: found[1].upper(), name)
        out[name] = member if name in ("responseJsonSchema", "responseSchema") else _camel(member)
    return out


def _check_config(config, model):
    if "responseJsonSchema" in config and "responseSchema" in config:
        raise Bad("generationConfig", "only one of responseSchema and responseJsonSchema may be set")
    if ("responseJsonSchema" in config or "responseSchema" in config) and \
            config.get("responseMimeType") not in ("application/json", "text/x.enum"):
        raise Bad("generationConfig", "a response schema needs responseMimeType application/json")
    if "responseJsonSchema" in config:
        check_schema(config["responseJsonSchema"], "generationConfig.responseJsonSchema", KEYWORDS)
    if "responseSchema" in config:
        check_schema(_lower_types(config["responseSchema"]), "generationConfig.responseSchema", OPENAPI_KEYWORDS)
    thinking = config.get("thinkingConfig", {})
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        raise Bad("generationConfig.thinkingConfig", "only one of thinkingBudget and thinkingLevel may be set")
    if "thinkingLevel" in thinking and model.startswith("gemini-2"):
        raise Bad("generationConfig.thinkingConfig", "Thinking level is not supported for this model.")
    if "thinkingBudget" in thinking:
        if model.startswith("gemini-2.5-pro") and 0 <= thinking["thinkingBudget"] < 128:
            raise Bad("generationConfig.thinkingConfig", "This model only works in thinking mode.")
        if model.startswith("gemini-2.0"):
            raise Bad("generationConfig.thinkingConfig", "Thinking is not enabled for this model")


def _lower_types(schema):
    if isinstance(schema, list):
        return [_lower_types(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: one.lower() if name == "type" and isinstance(one, str) else _lower_types(one)
            for name, one in schema.items()}


FINISH = {"stop": "STOP", "truncated": "MAX_TOKENS", "blocked": "SAFETY", "recitation": "RECITATION", "empty": "STOP",
          "malformed": "MALFORMED_RESPONSE"}


def answered(asked, answer):
    usage = {"promptTokenCount": answer.input_tokens, "candidatesTokenCount": answer.output_tokens,
             "totalTokenCount": answer.input_tokens + answer.output_tokens,
             "promptTokensDetails": [{"modality": "TEXT", "tokenCount": answer.input_tokens}]}
    body = {"usageMetadata": usage, "modelVersion": asked.model, "responseId": fresh_id()}
    if answer.stop == "blocked_prompt":
        del usage["candidatesTokenCount"]
        return [], body | {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    candidate = {"finishReason": FINISH[answer.stop], "index": 0}
    if answer.text:
        candidate = {"content": {"role": "model", "parts": [{"text": answer.text}]}} | candidate
    elif answer.stop == "empty":
        candidate = {"content": {"role": "model"}} | candidate
    return [], {"candidates": [candidate]} | body


STATUS = {
    "key_invalid": (400, "INVALID_ARGUMENT"), "unauthenticated": (401, "UNAUTHENTICATED"),
    "forbidden": (403, "PERMISSION_DENIED"), "not_found": (404, "NOT_FOUND"), "bad_request": (400, "INVALID_ARGUMENT"),
    "rate_limited": (429, "RESOURCE_EXHAUSTED"), "quota": (429, "RESOURCE_EXHAUSTED"),
    "overloaded": (503, "UNAVAILABLE"),
    "internal": (500, "INTERNAL"),
}
DAILY_QUOTA = 250  # of the free tier
TYPE = "type.googleapis.com/google.rpc."


def refused(refusal, model):
    status, word = STATUS[refusal.kind]
    details = []
    if refusal.kind == "key_invalid":
        details.append({"@type": TYPE + "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com",
                        "metadata": {"service": "generativelanguage.googleapis.com"}})
    if refusal.kind == "quota" or refusal.limit:
        period = "PerDay" if refusal.kind == "quota" else "PerMinute"
        violation = {"quotaMetric": "generativelanguage.googleapis.com/generate_content_paid_tier_requests",
                     "quotaId": f"GenerateRequests{period}PerProjectPerModel-PaidTier",
                     "quotaDimensions": {"location": "global", "model": model or ""},
                     "quotaValue": str(refusal.limit or DAILY_QUOTA)}
        details.append({"@type": TYPE + "QuotaFailure", "violations": [violation]})
    if refusal.kind in ("rate_limited", "quota") and refusal.wait_s is not None:
        details.append({"@type": TYPE + "RetryInfo", "retryDelay": _duration(refusal.wait_s)})
    error = {"code": status, "message": refusal.message, "status": word}
    return status, [], {"error": error | ({"details": details} if details else {})}


def _duration(seconds):
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"


def limit_headers(requests, tokens):
    return []  # it tells nothing of them


def look(model):
    return {"name": f"models/{model}", "supportedGenerationMethods": ["generateContent"]} if model else {"models": []}
