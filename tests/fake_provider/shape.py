"""What a vendor accepts: JSON held against a shape, and JSON schemas held against the subset that a vendor knows.

A shape is a type, a list of one shape, a dictionary of shapes (a name that ends in `!` must be there; others may), or a
function that raises `Bad`. Unknown members are errors: a vendor that ignored them would let a typing error pass.
"""
import base64
import binascii
import re

ANY = object()


class Bad(ValueError):
    """What is wrong, and where."""

    def __init__(self, at, what, unknown=None):
        super().__init__(f"{at or 'body'}: {what}")
        self.at = at
        self.unknown = unknown


def check(value, shape, at=""):
    if shape is ANY:
        return
    if isinstance(shape, dict):
        _check_object(value, shape, at)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise Bad(at, "must be a list")
        for number, item in enumerate(value):
            check(item, shape[0], f"{at}[{number}]")
    elif isinstance(shape, type):
        _check_type(value, shape, at)
    else:
        shape(value, at)


def _check_object(value, shape, at):
    if not isinstance(value, dict):
        raise Bad(at, "must be an object")
    members = {name.rstrip("!"): one for name, one in shape.items()}
    for name, one in value.items():
        if name not in members:
            raise Bad(at, f'unknown member "{name}"', unknown=name)
        check(one, members[name], f"{at}.{name}" if at else name)
    for name in shape:
        if name.endswith("!") and name[:-1] not in value:
            raise Bad(at, f'"{name[:-1]}" is missing')


def _check_type(value, shape, at):
    if shape is float:
        right = isinstance(value, (int, float)) and not isinstance(value, bool)
    elif shape is int:
        right = isinstance(value, int) and not isinstance(value, bool)
    else:
        right = isinstance(value, shape)
    if not right:
        raise Bad(at, f"must be of type {shape.__name__}")


def one_of(*words):
    def hold(value, at):
        if value not in words:
            raise Bad(at, f"must be one of {', '.join(map(repr, words))}")

    return hold


def either(*shapes):
    """Any of the shapes; the last one's complaint is told."""

    def hold(value, at):
        for shape in shapes[:-1]:
            try:
                return check(value, shape, at)
            except Bad:
                pass
        return check(value, shapes[-1], at)

    return hold


def just_one_of(*names):
    """For use after a shape: a union's members exclude each other."""

    def hold(value, at):
        found = [name for name in names if name in value]
        if len(found) != 1:
            raise Bad(at, f"must have exactly one of {', '.join(names)}, and has {', '.join(found) or 'none'}")

    return hold


def both(*shapes):
    def hold(value, at):
        for shape in shapes:
            check(value, shape, at)

    return hold


def number(least=None, most=None, whole=False):
    def hold(value, at):
        check(value, int if whole else float, at)
        if (least is not None and value < least) or (most is not None and value > most):
            raise Bad(at, f"must be between {least} and {most}")

    return hold


def base64_bytes(value, at):
    check(value, str, at)
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Bad(at, "is not base64") from None
    if not value:
        raise Bad(at, "is empty")


def matching(pattern):
    compiled = re.compile(pattern)

    def hold(value, at):
        check(value, str, at)
        if not compiled.fullmatch(value):
            raise Bad(at, f"does not match {pattern}")

    return hold


# ---- JSON schemas ---------------------------------------------------------------------------------------------------

TYPES = {"object", "array", "string", "number", "integer", "boolean", "null"}


def check_schema(schema, at, keywords, strict=False, closed=False):
    """`keywords`: those that the vendor knows. `closed`: every object says `additionalProperties: false`. `strict`:
    that, and every property is required."""
    if not isinstance(schema, dict):
        raise Bad(at, "a schema must be an object")
    for name in schema:
        if name not in keywords:
            raise Bad(at, f'the schema keyword "{name}" is not supported', unknown=name)
    kinds = schema.get("type", [])
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind not in TYPES:
            raise Bad(at, f'"{kind}" is no type of JSON Schema')
    if "object" in kinds:
        _check_object_schema(schema, at, strict, closed)
    for where, below in _below(schema, at):
        check_schema(below, where, keywords, strict, closed)


def _check_object_schema(schema, at, strict, closed):
    properties = schema.get("properties", {})
    if (strict or closed) and schema.get("additionalProperties") is not False:
        raise Bad(at, "'additionalProperties' is required to be supplied and to be false")
    missing = set(schema.get("required", [])) - set(properties)
    if missing:
        raise Bad(at, f"requires {sorted(missing)}, which it does not describe")
    optional = set(properties) - set(schema.get("required", []))
    if strict and optional:
        raise Bad(at, f"'required' must name every property; {sorted(optional)} are missing")


def _below(schema, at):
    for group in ("properties", "$defs", "definitions"):
        for name, below in schema.get(group, {}).items():
            yield f"{at}.{group}.{name}", below
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield f"{at}.{name}", schema[name]
    for group in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for number_of, below in enumerate(schema.get(group, [])):
            yield f"{at}.{group}[{number_of}]", below
