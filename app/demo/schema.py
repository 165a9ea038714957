"""A value for any JSON schema, as a model that honours `response_format` would give."""

from typing import Any, TypeAlias

from app.demo.server import Json

Schema: TypeAlias = dict[str, Any]

_TEXT_NAMES = frozenset({"text", "message", "reply", "answer"})


def filled(schema: Schema, known: dict[str, Any], defs: Schema | None = None) -> Json:
    """The plainest valid value; properties named in `known` get that value where it fits."""
    defs = schema.get("$defs", {}) if defs is None else defs
    schema = _resolved(schema, defs)
    if "properties" in schema:
        return {
            name: _property(name, part, known=known, defs=defs)
            for name, part in schema["properties"].items()
        }
    return _plain(schema, known, defs)


def _property(name: str, schema: Schema, *, known: Schema, defs: Schema) -> Json:
    schema = _resolved(schema, defs)
    value = known.get("text" if name in _TEXT_NAMES else name)
    if value is not None and _fits(value, schema):
        return value[: schema.get("maxLength", len(value))] if isinstance(value, str) else value
    return filled(schema, known, defs)


def _resolved(schema: Schema, defs: Schema) -> Schema:
    """Follow a reference, and take the plainest of alternatives: null where that is one."""
    while True:
        if "$ref" in schema:
            schema = defs[schema["$ref"].rsplit("/", 1)[-1]]
            continue
        choices = schema.get("anyOf") or schema.get("oneOf")
        if not choices:
            return schema
        nulls = [choice for choice in choices if choice.get("type") == "null"]
        schema = (nulls or choices)[0]


def _fits(value: Json, schema: Schema) -> bool:
    if "enum" in schema:
        return value in schema["enum"]
    wanted = schema.get("type")
    wanted = wanted if isinstance(wanted, list) else [wanted]
    return ("boolean" if isinstance(value, bool) else "string") in wanted


def _plain(schema: Schema, known: dict[str, Any], defs: Schema) -> Json:
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    wanted = schema.get("type")
    if isinstance(wanted, list):
        wanted = "null" if "null" in wanted else wanted[0]
    match wanted:
        case "boolean":
            return False
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "string":
            return "—" * schema.get("minLength", 0)
        case "array":
            return [filled(schema["items"], known, defs)] * schema.get("minItems", 0)
        case "object":
            return {}
        case _:
            return None
