"""Bedrock's Converse: signed requests, models named in the path."""
import json
import re
import urllib.parse

from ..shape import Bad, base64_bytes, both, check, check_schema, just_one_of, matching, number, one_of
from ..signature import verify
from .base import Asked, Refused, admit, bearer, fresh_id, parsed

NAME = "bedrock"
ROUTE = re.compile(r"/model/(?P<model>[^/]+)/converse")
LOOK = re.compile(r"/foundation-models")
SAFE = re.compile(r"[A-Za-z0-9._~%-]+")
DOCUMENT_MAX = 4_500_000
IMAGE_MAX = 3_750_000

SOURCE = {"bytes!": base64_bytes}
DOCUMENT = {"format!": one_of("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"),
            "name!": matching(r"(?!.*  )[A-Za-z0-9 \-()\[\]]{1,200}"), "source!": SOURCE}
BLOCK = both({"text": str, "image": {"format!": one_of("png", "jpeg", "gif", "webp"), "source!": SOURCE},
              "document": DOCUMENT}, just_one_of("text", "image", "document"))
MESSAGE = {"role!": one_of("user", "assistant"), "content!": [BLOCK]}
TOOL = {"toolSpec!": {"name!": matching(r"[A-Za-z0-9_-]{1,64}"), "description": str, "strict": bool,
                      "inputSchema!": {"json!": dict}}}
REQUEST = {
    "messages!": [MESSAGE], "system": [{"text!": str}],
    "inferenceConfig": {"maxTokens": number(1, whole=True), "temperature": number(0, 1), "topP": number(0, 1),
                        "stopSequences": [str]},
    "toolConfig": {"tools!": [TOOL], "toolChoice": {"tool": {"name!": str}, "any": dict, "auto": dict}},
    "outputConfig": {"textFormat!": {"type!": one_of("json_schema"), "structure!": {
        "jsonSchema!": {"name": str, "description": str, "schema!": str}}}},
    "serviceTier": {"type!": one_of("default", "flex", "priority", "reserved")},
    "additionalModelRequestFields": dict, "performanceConfig": {"latency": one_of("standard", "optimized")},
}
NO_SCHEMA = "This model doesn't support tool use."
KEYWORDS = set("type properties required additionalProperties enum const items anyOf allOf $ref $defs definitions "
               "title description format default minItems maxItems minimum maximum".split())


def key_of(request):
    found = re.search(r"Credential=([^/]+)/", request.headers.get("authorization", ""))
    return found[1] if found else bearer(request.headers)


def authenticate(request, keys):
    token = bearer(request.headers)
    if token is None:
        return verify(request, keys)
    try:
        return admit(token, keys)
    except Refused as refusal:
        raise Refused("key_invalid", "Authentication failed: Please make sure your API Key is valid.") from refusal


def read(request, found):
    segment = found["model"]
    if not SAFE.fullmatch(segment):
        raise Refused("bad_request", "the model's id must be encoded as one segment of the path")
    body = parsed(request.body)
    try:
        check(body, REQUEST)
        _check_content(body)
        schema, tool = _schema_of(body)
    except Bad as bad:
        raise Refused("bad_request", f"The request is not valid: {bad}") from None
    asked = Asked(urllib.parse.unquote(segment), body.get("inferenceConfig", {}).get("maxTokens", 8192))
    asked.schema, asked.tool = schema, tool
    for block in body.get("system", []):
        asked.add_text(block["text"])
    for message in body["messages"]:
        for block in message["content"]:
            if "text" in block:
                asked.add_text(block["text"])
            elif "image" in block:
                asked.add_media("image", block["image"]["source"]["bytes"])
            else:
                asked.add_media(block["document"]["format"], block["document"]["source"]["bytes"])
    return asked


def _check_content(body):
    if not body["messages"] or body["messages"][0]["role"] != "user":
        raise Bad("messages", "A conversation must start with a user message.")
    for number_of, message in enumerate(body["messages"]):
        at = f"messages[{number_of}].content"
        names = [name for block in message["content"] for name in block]
        if not names:
            raise Bad(at, "must not be empty")
        if "document" in names and "text" not in names:
            raise Bad(at, "a message with a document needs a text block too")
        if names.count("document") > 5 or names.count("image") > 20:
            raise Bad(at, "too many documents or images")
        for block in message["content"]:
            for name, most in (("document", DOCUMENT_MAX), ("image", IMAGE_MAX)):
                if name in block and len(block[name]["source"]["bytes"]) * 3 // 4 > most:
                    raise Bad(at, f"the {name} is larger than {most} bytes")


def _schema_of(body):
    """(the schema asked for, the tool that must be called)"""
    if "outputConfig" in body:
        text = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"]
        try:
            schema = json.loads(text)
        except ValueError:
            raise Bad("outputConfig", "the schema must be JSON in a string") from None
        check_schema(schema, "outputConfig.schema", KEYWORDS, closed=True)
        return schema, None
    if "toolConfig" in body:
        choice = body["toolConfig"].get("toolChoice", {}).get("tool", {}).get("name")
        for tool in body["toolConfig"]["tools"]:
            if tool["toolSpec"]["name"] == choice:
                schema = tool["toolSpec"]["inputSchema"]["json"]
                check_schema(schema, f"toolConfig.{choice}", KEYWORDS | {"minLength", "maxLength", "pattern"})
                return schema, choice
        if choice:
            raise Bad("toolConfig.toolChoice", f"there is no tool {choice}")
    return None, None


STOP = {"stop": "end_turn", "truncated": "max_tokens", "blocked": "guardrail_intervened",
        "blocked_prompt": "guardrail_intervened", "recitation": "content_filtered", "empty": "end_turn",
        "malformed": "malformed_model_output"}


def answered(asked, answer):
    stop = STOP[answer.stop]
    content = [{"text": answer.text}] if answer.text else []
    if asked.tool and answer.text:
        content, stop = _tool_call(asked.tool, answer.text, stop)
    body = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": stop,
            "usage": {"inputTokens": answer.input_tokens, "outputTokens": answer.output_tokens,
                      "totalTokens": answer.input_tokens + answer.output_tokens, "cacheReadInputTokens": 0,
                      "cacheWriteInputTokens": 0},
            "metrics": {"latencyMs": 1}}
    return [("x-amzn-requestid", fresh_id())], body


def _tool_call(name, text, stop):
    try:
        value = json.loads(text)
    except ValueError:
        return [], "malformed_tool_use" if stop == "end_turn" else stop
    call = {"toolUse": {"toolUseId": fresh_id("tooluse_"), "name": name, "input": value}}
    return [call], "tool_use" if stop == "end_turn" else stop


ERRORS = {
    "key_invalid": (403, "UnrecognizedClientException"), "unauthenticated": (403, "AccessDeniedException"),
    "bad_signature": (403, "InvalidSignatureException"), "forbidden": (403, "AccessDeniedException"),
    "not_found": (404, "ResourceNotFoundException"),
    "bad_request": (400, "ValidationException"), "rate_limited": (429, "ThrottlingException"),
    "quota": (429, "ThrottlingException"), "overloaded": (503, "ServiceUnavailableException"),
    "internal": (500, "InternalServerException"),
}


def refused(refusal, model):
    status, name = ERRORS[refusal.kind]
    words = "Too many tokens per day, please wait before trying again." if refusal.kind == "quota" else refusal.message
    headers = [("x-amzn-requestid", fresh_id()), ("x-amzn-errortype", f"{name}:http://internal.amazon.com/coral/")]
    return status, headers, {"message": words}


def limit_headers(requests, tokens):
    return []  # it tells nothing of them


def look(model):
    return {"modelSummaries": []}
