#!/usr/bin/env python3
"""Where transformers finds chat templates, and what it makes of tools that other dialects write otherwise.

    python make_field_chat_cases.py TEMPLATES      writes tests/data/chat/template_places.json and tool_dialects.json

TEMPLATES is a folder with canonical-small.jinja and canonical-large.jinja; they are not part of this repository.
"""
import json
import pathlib
import shutil
import sys
import tempfile

from transformers import AutoTokenizer
from transformers.processing_utils import ProcessorMixin

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "chat"
NANO = ROOT / "models" / "nano"
TOOL = {"type": "function", "function": {"name": "f", "description": "d"}}

# files beside tokenizer.json; a template is its own output
CONFIG = {"tokenizer_class": "GemmaTokenizer", "backend": "tokenizers"}
PLACES = {
    "nothing": {},
    "jinja": {"chat_template.jinja": "A"},
    "config text": {"tokenizer_config.json": {"chat_template": "A"}},
    "config list": {"tokenizer_config.json": {"chat_template": [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "A"}]}},
    "config list of one": {"tokenizer_config.json": {"chat_template": [{"name": "default", "template": "A"}]}},
    "config list without default": {"tokenizer_config.json": {"chat_template": [{"name": "rag", "template": "R"}, {"name": "tool_use", "template": "T"}]}},
    "config object": {"tokenizer_config.json": {"chat_template": {"default": "A", "tool_use": "T"}}},
    "config null": {"tokenizer_config.json": {"chat_template": None}},
    "jinja and config": {"chat_template.jinja": "A", "tokenizer_config.json": {"chat_template": "B"}},
    "jinja and config list": {"chat_template.jinja": "A", "tokenizer_config.json": {"chat_template": [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "B"}]}},
    "jinja and folder": {"chat_template.jinja": "A", "additional_chat_templates/tool_use.jinja": "T", "additional_chat_templates/rag.jinja": "R"},
    "folder": {"additional_chat_templates/tool_use.jinja": "T"},
    "folder and config": {"additional_chat_templates/tool_use.jinja": "T", "tokenizer_config.json": {"chat_template": "B"}},
    "folder with default": {"chat_template.jinja": "A", "additional_chat_templates/default.jinja": "D"},
    "processor config": {"processor_config.json": {"processor_class": "Gemma4Processor", "chat_template": "P"}},
    "legacy json": {"chat_template.json": {"chat_template": "L"}},
    "processor config and legacy json": {"processor_config.json": {"chat_template": "P"}, "chat_template.json": {"chat_template": "L"}},
    "config and legacy json": {"tokenizer_config.json": {"chat_template": "A"}, "chat_template.json": {"chat_template": "L"}},
    "jinja and processor config": {"chat_template.jinja": "A", "processor_config.json": {"chat_template": "P"}},
    "jinja and legacy json": {"chat_template.jinja": "A", "chat_template.json": {"chat_template": "L"}},
    "jinja, the same in the processor config": {"chat_template.jinja": "A", "processor_config.json": {"chat_template": "A"}},
}


def place(files):
    """What is rendered without and with tools; None where transformers has no template to render."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copy(NANO / "tokenizer.json", folder)
        for file, content in files.items():
            (folder / file).parent.mkdir(exist_ok=True)
            if file == "tokenizer_config.json":
                content = CONFIG | content
            (folder / file).write_text(content if isinstance(content, str) else json.dumps(content))
        if "tokenizer_config.json" not in files:
            (folder / "tokenizer_config.json").write_text(json.dumps(CONFIG))
        tokenizer = AutoTokenizer.from_pretrained(folder)

        def tokenizers(tools):
            try:
                return tokenizer.apply_chat_template([{"role": "user", "content": "x"}], tools=tools, tokenize=False)
            except ValueError:
                return None

        texts = [tokenizers(None), tokenizers([TOOL])]
        if tokenizer.chat_template is None:
            found = ProcessorMixin.get_processor_dict(folder)[0].get("chat_template")
            texts = [found["default"] if isinstance(found, dict) else found] * 2
        return texts


SCHEMA = {"type": "object", "required": ["city", "days"], "properties": {
    "city": {"type": "string", "description": "Name of the city"},
    "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "nullable": True},
    "days": {"type": "array", "description": "Which days", "items": {"type": "integer", "minimum": 1}},
    "places": {"type": "array", "items": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]}},
    "either": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}], "maxItems": 5}},
    "where": {"type": "object", "properties": {"street": {"type": "string"}}, "required": ["street"]}}}
NAME, TEXT = "get_weather", "Get the weather of a city"
CLOCK = {"name": "clock", "description": "The time"}
OPENAI = [{"type": "function", "function": {"name": NAME, "description": TEXT, "parameters": SCHEMA}},
          {"type": "function", "function": CLOCK}]
EMPTY = {"type": "object", "properties": {}}


def gemini(schema, camel=True):
    """A JSON schema in Gemini's words."""
    if isinstance(schema, list):
        return [gemini(x, camel) for x in schema]
    if not isinstance(schema, dict):
        return schema
    snake = {"anyOf": "any_of", "maxItems": "max_items"}
    out = {}
    for key, value in schema.items():
        if key == "type":
            value = value.upper()
        elif key == "properties":
            value = {k: gemini(v, camel) for k, v in value.items()}
        elif key in ("items", "anyOf"):
            value = gemini(value, camel)
        elif key == "maxItems":
            value = str(value)
        out[key if camel else snake.get(key, key)] = value
    return out


def dialects():
    flat = {"name": NAME, "description": TEXT}
    mcp = [flat | {"title": "Weather", "inputSchema": SCHEMA, "outputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}, "_meta": {"a": 1}},
           CLOCK | {"inputSchema": EMPTY}]
    anthropic = [flat | {"input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}}, {"type": "custom"} | CLOCK | {"input_schema": EMPTY}]
    functions = [flat | {"parameters": gemini(SCHEMA)}, CLOCK]
    plain = json.loads(json.dumps(OPENAI))
    clock = [plain[0], {"type": "function", "function": CLOCK | {"parameters": EMPTY}}]
    yield "openai", OPENAI, OPENAI
    yield "openai strict", [{"type": "function", "function": flat | {"strict": True, "parameters": SCHEMA}}, OPENAI[1]], OPENAI
    yield "openai one", OPENAI[0], OPENAI[:1]
    yield "openai inner", [x["function"] for x in OPENAI], OPENAI
    yield "openai functions", {"functions": [x["function"] for x in OPENAI]}, OPENAI
    yield "openai responses", [{"type": "function"} | x["function"] | {"strict": None} for x in OPENAI], OPENAI
    yield "openai request", {"tools": OPENAI, "tool_choice": "auto"}, OPENAI
    yield "mcp", mcp, clock
    yield "mcp one", mcp[0], OPENAI[:1]
    yield "mcp reply", {"tools": mcp, "nextCursor": None}, clock
    yield "mcp message", {"jsonrpc": "2.0", "id": 1, "result": {"tools": mcp}}, clock
    yield "anthropic", anthropic, clock
    yield "anthropic request", {"tools": anthropic}, clock
    yield "gemini", [{"functionDeclarations": functions}], OPENAI
    yield "gemini one", {"functionDeclarations": functions}, OPENAI
    yield "gemini request", {"tools": [{"function_declarations": [flat | {"parameters": gemini(SCHEMA, False)}]}, {"functionDeclarations": [CLOCK]}]}, OPENAI
    yield "gemini function", functions[0], OPENAI[:1]
    yield "gemini json schema", [{"functionDeclarations": [flat | {"parametersJsonSchema": SCHEMA}]}], OPENAI[:1]
    yield "gemini response", [{"functionDeclarations": [flat | {"parameters": gemini(SCHEMA), "response": {"type": "OBJECT", "description": "It"}}]}], [
        {"type": "function", "function": OPENAI[0]["function"] | {"response": {"type": "object", "description": "It"}}}]
    yield "bedrock", {"tools": [{"toolSpec": flat | {"inputSchema": {"json": SCHEMA}}}], "toolChoice": {"auto": {}}}, OPENAI[:1]
    yield "mixed", [mcp[0], {"functionDeclarations": [CLOCK]}], OPENAI


def main(templates):
    places = [{"name": name, "files": files, "texts": place(files)} for name, files in PLACES.items()]
    (DATA / "template_places.json").write_text(json.dumps(places, indent=1) + "\n", encoding="utf-8", newline="\n")
    tokenizer = AutoTokenizer.from_pretrained(NANO)
    rows = []
    for name, tools, openai in dialects():
        text = tokenizer.apply_chat_template([{"role": "user", "content": "Weather?"}], tools=openai, tokenize=False,
                                             add_generation_prompt=True,
                                             chat_template=(templates / "canonical-small.jinja").read_text(encoding="utf-8"))
        rows.append({"name": name, "tools": tools, "text": text})
    (DATA / "tool_dialects.json").write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8", newline="\n")
    for row in places:
        print(row["name"], row["texts"])


main(pathlib.Path(sys.argv[1]))
