"""Says in plain OpenAPI what our specifications say with extensions, so that a tool that knows no extension can check answers.

`x-nullable: true` at the root: every property, element and body may be null unless it says `x-nullable: false`.
`x-lenient: true` at the root: a required property of an answer may be absent, and numbers may come as text and text as a
number; envelopes of a refusal hold a text in place of their content.

What a request holds may be pinned: `{"sku": ["A", "B"]}` makes parameters and properties of that name one of these, or now
and then something else. Otherwise no request would ever find anything.
"""

import copy
import json
import sys

import yaml


def translated(source, pins):
    document = yaml.safe_load(source)
    nullable = document.get("x-nullable") is True
    lenient = document.get("x-lenient") is True
    envelope = (document.get("x-envelope") or {}).get("within")
    schemas = document["components"].setdefault("schemas", {})
    if schemas.get("ErrorList", {}).get("type") == "array":
        # Amazon's file of the restrictions takes the content of `errors` for the answer.
        schemas["ErrorList"] = {"type": "object", "required": ["errors"], "properties": {"errors": schemas["ErrorList"]}}
    answers = {}
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                responses = operation.get("responses", {})
                if envelope:
                    # A refusal is an envelope, with the same status or, from DataForSEO, with one of these.
                    refusal = {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}
                    for status in ("401", "402", "404", "500"):
                        responses.setdefault(status, refusal)
                    for response in responses.values():
                        if "application/octet-stream" in response.get("content", {}):
                            response["content"] |= refusal["content"]
                for response in responses.values():
                    for content in response.get("content", {}).values():
                        if "schema" in content:
                            content["schema"] = answer(content["schema"], document, answers, nullable, lenient, envelope)
    schemas.update(answers)
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                pin(parameter["name"], parameter, "schema", pins)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                pin_properties(content, pins)
    for name, schema in document["components"]["schemas"].items():
        if name not in answers:
            pin_properties(schema, pins)
    return document


def pin(name, holder, key, pins):
    if name not in pins:
        return
    schema = holder[key]
    if schema.get("type") == "array":
        schema["items"] = {"anyOf": [{"enum": pins[name]}, schema["items"]]}
        schema["minItems"] = 1
    else:
        holder[key] = {"anyOf": [{"enum": pins[name]}, schema]}


def pin_properties(node, pins):
    if isinstance(node, list):
        for part in node:
            pin_properties(part, pins)
    elif isinstance(node, dict):
        properties = node.get("properties", {})
        for name in properties:
            pin_properties(properties[name], pins)
            pin(name, properties, name, pins)
        for key, part in node.items():
            if key != "properties":
                pin_properties(part, pins)


def answer(schema, document, answers, nullable, lenient, envelope, inner=False, top=True):
    """The schema of an answer; what it refers to is copied under another name, for requests may use it too."""
    schema = copy.copy(schema)
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        mine = f"Answer{name}"
        if mine not in answers:
            answers[mine] = {}
            answers[mine] = answer(document["components"]["schemas"][name], document, answers, nullable, lenient, envelope)
        schema["$ref"] = f"#/components/schemas/{mine}"
        return schema
    down = lambda part: answer(part, document, answers, nullable, lenient, envelope)
    for key in ("allOf", "anyOf", "oneOf"):
        if key in schema:
            schema[key] = [down(part) for part in schema[key]]
    if "properties" in schema:
        schema["properties"] = {
            name: value(part, down(part), nullable, lenient, envelope == name and not nullable)
            for name, part in schema["properties"].items()
        }
        # What a later version of the vendor adds is no fault.
        schema.pop("additionalProperties", None)
        if lenient:
            schema.pop("required", None)
    if schema.get("additionalProperties") == {"type": "object"}:
        # The vendor's way to say that the values are anything.
        schema["additionalProperties"] = True
    if isinstance(schema.get("additionalProperties"), dict):
        part = schema["additionalProperties"]
        schema["additionalProperties"] = value(part, down(part), nullable, lenient, False)
    if "items" in schema:
        schema["items"] = value(schema["items"], down(schema["items"]), nullable, lenient, False)
    # Every enumeration is open.
    if "enum" in schema:
        schema.pop("enum")
    schema.pop("discriminator", None)
    return schema


def value(said, schema, nullable, lenient, content):
    kinds = [schema]
    if content:
        kinds.append({"type": "string"})
    if lenient and schema.get("type") in ("integer", "number"):
        kinds.append({"type": "string", "pattern": "^-?[0-9.]+$"})
    if lenient and schema.get("type") == "string" and "format" not in schema:
        kinds.append({"type": "number"})
    if (nullable or lenient) and said.get("x-nullable") is not False:
        kinds.append({"type": "null"})
    return schema if len(kinds) == 1 else {"anyOf": kinds}


if __name__ == "__main__":
    yaml.safe_dump(translated(sys.stdin.read(), json.loads(sys.argv[1])), sys.stdout, sort_keys=False)
