"""What the model answers: an instance of the JSON schema that was asked for, about the text that was asked about.

An analysis and a reduction are told apart by the schema: key points that are objects with `pages` are a reduction's.
"""
import json
import re

PAGE = re.compile(r"(?i)\bpages?\b\W{0,4}(\d{1,6})\b")
NOTED = re.compile(r"(?m)^Page (\d{1,6}):")  # in a prompt for a reduction
MARKED = re.compile(r"(?s)<([\w-]+)>\n(.*)\n</\1>")  # what a prompt marks as the text to read
DOCUMENT = re.compile(r"\bDocument (\S+), page (\d+)\b")
CHARACTERS_A_TOKEN = 4
IMAGE_TOKENS = 258  # of a picture or of a page of a PDF


class Facts:
    """What can be read off the prompt."""

    def __init__(self, asked):
        self.text = "\n".join(asked.texts)
        self.schema = asked.schema or _schema_in(self.text)
        self.reduction = _is_reduction(self.schema)
        named = DOCUMENT.search(self.text)
        self.document = named[1] if named else None
        pages = [int(number) for number in PAGE.findall(self.text)]
        self.page = (int(named[2]) if named else pages[0] if pages else None) if not self.reduction else None
        self.pages = sorted({int(number) for number in NOTED.findall(self.text)} or set(pages)) or [1]
        marked = MARKED.search(self.text)
        self.about = marked[2] if marked else self.text
        self.input_tokens = 8 + len(self.text) // CHARACTERS_A_TOKEN + IMAGE_TOKENS * len(asked.media)


def _schema_in(text):
    """Where the schema cannot be asked for natively, it stands in the prompt."""
    decoder = json.JSONDecoder()
    for found in re.finditer(r"\{", text):
        try:
            value, _ = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and "properties" in value:
            return value
    return None


def _is_reduction(schema):
    points = (schema or {}).get("properties", {}).get("keyPoints", {})
    return "pages" in points.get("items", {}).get("properties", {})


def written(facts):
    """The answer's text."""
    return json.dumps(_Writer(facts).instance(facts.schema, "")) if facts.schema else json.dumps(_plain(facts))


def mismatched(facts):
    """JSON that is not what was asked for."""
    return json.dumps({"summary": 17, "keyPoints": "none", "unasked": True})


def broken(facts):
    """What no parser takes, however lenient."""
    return "Here is the analysis: " + written(facts)[:-1] + ', "sentiment": '


def output_tokens(text):
    return 1 + len(text) // CHARACTERS_A_TOKEN


def _plain(facts):
    return {"summary": _sentence(facts), "entities": [], "keyPoints": ["One point."], "sentiment": "neutral"}


def _sentence(facts):
    """Of the text's end, since instructions usually stand before what they are about."""
    words = re.findall(r"[^\W\d_]{3,}", facts.about[-400:])
    about = " ".join(words[-12:]) or "nothing that could be read"
    if facts.reduction:
        return f"The document has {len(facts.pages)} pages; the last ones tell of {about}."
    return f"Page {facts.page or 1} tells of {about}."


class _Writer:
    def __init__(self, facts):
        self.facts = facts
        self.root = facts.schema or {}

    def instance(self, schema, name, depth=0):
        if "$ref" in schema:
            schema = self._followed(schema["$ref"])
        for group in ("anyOf", "oneOf"):
            if schema.get(group):
                schema = next((one for one in schema[group] if one.get("type") != "null"), schema[group][0])
        if "enum" in schema:
            return "neutral" if "neutral" in schema["enum"] else schema["enum"][0]
        if "const" in schema:
            return schema["const"]
        kinds = schema.get("type", "string")
        kind = kinds if isinstance(kinds, str) else next((one for one in kinds if one != "null"), "null")
        return getattr(self, "_" + kind.lower())(schema, name, depth)

    def _followed(self, reference):
        value = self.root
        for step in reference.lstrip("#/").split("/"):
            value = value[step]
        return value

    def _object(self, schema, name, depth):
        properties = schema.get("properties", {})
        wanted = set(schema.get("required", properties))
        if depth > 8:
            return {}
        # `empty` says that there is nothing on the page, which is not so.
        return {one: False if one == "empty" else self.instance(below, one, depth + 1)
                for one, below in properties.items() if one in wanted or depth == 0}

    def _array(self, schema, name, depth):
        if name == "pages":
            return self.facts.pages[:3]
        count = max(schema.get("minItems", 0), 2 if name in ("keyPoints", "entities") else 1)
        return [self.instance(schema.get("items", {}), name, depth + 1) for _ in range(count)]

    def _string(self, schema, name, depth):
        known = {"summary": _sentence(self.facts), "language": "en", "type": "OTHER", "sentiment": "neutral",
                 "keyPoints": _sentence(self.facts)}
        return known.get(name, "text")

    def _number(self, schema, name, depth):
        return max(schema.get("minimum", 0), min(schema.get("maximum", 0.5), 0.5))

    def _integer(self, schema, name, depth):
        return int(max(schema.get("minimum", 1), min(schema.get("maximum", 1), 1)))

    def _boolean(self, schema, name, depth):
        return False

    def _null(self, schema, name, depth):
        return None
