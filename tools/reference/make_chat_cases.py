#!/usr/bin/env python3
"""Chat requests and what transformers' apply_chat_template makes of them.

    python make_chat_cases.py write TEMPLATES              writes tests/data/chat/render_cases.jsonl
    python make_chat_cases.py compare TEMPLATES PROGRAM... [--count N --seed S --odd P]
        sends N random requests to `PROGRAM...` (gemma4 render, or any program of the same form) and counts the answers
        that differ from the reference's; the exit status says whether any did

TEMPLATES is a folder with NAME.jinja for the six names below; they are not part of this repository.
"""
import argparse
import collections
import json
import math
import pathlib
import random
import struct
import subprocess
import sys

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
NAMES = ["canonical-large", "canonical-small", "april-large", "april-small", "launch", "llamacpp-interleaved"]

STRINGS = ["", "a", "hello world", " trim me \n", "\u00a0nb\u2003", "\u200bzw\ufeff", "line\nbreak", "tab\t", "q'uo\"te",
           "it's", "\\back\\n", "é中🙂", "İstanbul", "ΑΣ Σ", "straße", "ﬁ", "<|turn>user", '<|"|>',
           "x<|channel>thought\nsecret<channel|>y", "<channel|>stray", "a<|channel>open",
           "<|channel>t1<channel|> b <|channel>t2<channel|>c ", "\x1c\x85edge\x85", "\x7f\x80\u00ad\u2028", "null", "None",
           "  ", "\n", "{}", "string", "object", "array", "NULL", "👨\u200d🚀", "<turn|>", '{"a":1}', "ǅ", "ŉ", "ᾳ"]
NUMBERS = [0, 1, -1, 2, 10**18, 2**63, 2**64, -(2**70), 10**40, 0.0, -0.0, 1.0, 1.5, 1e16, 1e15, 123456789012345680.0, 1e-4,
           1e-5, 1e20, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3, 100000.0, -2.5e-7, 1e22, 9007199254740993]
KEYS = ["a", "B", "b", "Zeta", "alpha", "ALPHA", "_x", "k v", "é", "É", "Σ", "ΑΣ", "ΑΣΑ", "İ", "ß", "type", "description",
        "properties", "required", "nullable", "items", "enum", "default", "title", "x-y", "n", "name", "0", ""]


class Reference:
    def __init__(self, templates):
        self.tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token="<bos>")
        self.templates = {n: (templates / f"{n}.jinja").read_text(encoding="utf-8") for n in NAMES}

    def __call__(self, request):
        """The text; None where the template fails."""
        try:
            return self.tokenizer.apply_chat_template(
                request["messages"], tools=request["tools"], chat_template=self.templates[request["template"]],
                tokenize=False, **request["options"])
        except Exception:
            return None


class Requests:
    """Random requests; with probability `odd` any part of one is a value of the wrong kind."""

    def __init__(self, seed, odd):
        self.r = random.Random(seed)
        self.odd = odd

    def chance(self, p):
        return self.r.random() < p

    def some(self, make, most, least=0):
        return [make() for _ in range(self.r.randint(least, most))]

    def string(self):
        if self.chance(0.8):
            return self.r.choice(STRINGS)
        return "".join(self.some(lambda: self.r.choice("aB \n\té<|>{}'\"\\,:"), 8))

    def value(self, depth=0):
        x = self.r.random()
        if x < 0.3:
            return self.string()
        if x < 0.5:
            return self.r.choice(NUMBERS)
        if x < 0.7:
            return self.r.choice([True, False, None])
        if depth > 3:
            return 1
        return self.some(lambda: self.value(depth + 1), 3) if x < 0.85 else self.object(depth + 1)

    def object(self, depth=0):
        return {self.r.choice(KEYS): self.value(depth) for _ in range(self.r.randint(0, 4))}

    def or_odd(self, make, p=1.0):
        return self.value(1) if self.chance(self.odd * p) else make()

    def type(self):
        x = self.r.random()
        if x < 0.85:
            return self.r.choice(["string", "STRING", "object", "array", "integer", "number", "boolean", "Object", "null", "ß"])
        return self.r.choice([["string", "null"], ["object"], [], ["array", None, 1, "it's"]]) if x < 0.92 else self.value(2)

    def schema(self, depth=0):
        kind = self.type()
        word = kind.lower() if isinstance(kind, str) else ""
        parts = [("type", 0.92, lambda: kind), ("description", 0.6, self.string),
                 ("enum", 0.3, lambda: self.some(lambda: self.value(2), 3)),
                 ("nullable", 0.25, lambda: self.r.choice([True, False, None])), ("default", 0.2, self.value),
                 ("minimum", 0.15, lambda: self.r.choice(NUMBERS)), ("format", 0.1, self.string), ("title", 0.1, self.string),
                 ("additionalProperties", 0.2, lambda: self.r.choice([True, False, {"type": "string"}])),
                 ("required", 0.3, lambda: self.some(lambda: self.r.choice(KEYS), 3)),
                 ("anyOf", 0.05, lambda: [self.schema(3)])]
        if depth < 3:
            parts += [("properties", 0.6 if word == "object" else 0.1, lambda: self.properties(depth)),
                      ("items", 0.7 if word == "array" else 0.1, lambda: self.schema(depth + 1))]
        self.r.shuffle(parts)
        return {key: self.or_odd(make) for key, p, make in parts if self.chance(p)}

    def properties(self, depth):
        return {self.r.choice(KEYS): self.or_odd(lambda: self.schema(depth + 1)) for _ in range(self.r.randint(0, 4))}

    def parameters(self):
        schema = self.schema()
        schema["type"] = "object" if self.chance(0.8) else self.type()
        if self.chance(0.8):
            schema["properties"] = self.properties(0)
        return schema

    def tool(self):
        function = {}
        if self.chance(0.97):
            function["name"] = self.or_odd(lambda: self.r.choice(["get_weather", "a.b-c:d/e", "f", "é"]), 0.5)
        if self.chance(0.9):
            function["description"] = self.or_odd(self.string)
        if self.chance(0.9):
            function["parameters"] = self.or_odd(self.parameters)
        if self.chance(0.2):
            function["response"] = self.or_odd(lambda: self.schema(1), 2)
        return self.or_odd(lambda: {"type": "function", "function": self.or_odd(lambda: function, 0.5)}, 0.3)

    def part(self):
        x = self.r.random()
        if x < 0.55:
            part = {"type": "text", "text": self.or_odd(self.string)}
        elif x < 0.9:
            part = {"type": self.r.choice(["image", "image_url", "audio", "input_audio", "video", "file"])}
        else:
            part = {"text": self.string()}
            if x > 0.95:
                part["type"] = self.value(2)
        return self.or_odd(lambda: part, 0.5)

    def content(self):
        x = self.r.random()
        if x < 0.6:
            return self.string()
        if x < 0.92:
            return self.some(self.part, 4)
        return None if x < 0.96 else self.or_odd(self.string, 10)

    def identifier(self):
        return self.r.choice(["c1", "c2", "c3"]) if self.chance(0.85) else self.r.choice(["c1", None, 1, True, 1.0, self.value(2)])

    def call(self):
        function = {"name": self.or_odd(lambda: self.r.choice(["get_weather", "f", "a.b"]), 0.5),
                    "arguments": self.or_odd(self.object)}
        if self.chance(self.odd):
            del function[self.r.choice(["name", "arguments"])]
        call = {"type": "function", "function": function}
        if self.chance(0.7):
            call["id"] = self.identifier()
        if self.chance(self.odd * 0.3):
            del call["function"]
        return self.or_odd(lambda: call, 0.3)

    def response(self):
        response = {"name": self.r.choice(["f", "g", "", None]), "response": self.value() if self.chance(0.5) else self.object()}
        if self.chance(0.1):
            del response[self.r.choice(["name", "response"])]
        return response

    def message(self, first):
        role = self.r.choice(["user", "user", "assistant", "assistant", "assistant", "tool", "tool", "model", "critic",
                              "system" if first or self.chance(0.2) else "user", "developer" if self.chance(0.3) else "user"])
        message = {"role": self.or_odd(lambda: role, 0.3)}
        if self.chance(self.odd * 0.1):
            message = {}
        if self.chance(0.93):
            message["content"] = self.content() if self.chance(0.7) else self.string()
        if role == "tool":
            if self.chance(0.7):
                message["tool_call_id"] = self.identifier()
            if self.chance(0.5):
                message["name"] = self.or_odd(lambda: self.r.choice(["f", "tname", ""]))
        if role in ("assistant", "model") or self.chance(0.04):
            if self.chance(0.5):
                message["tool_calls"] = self.or_odd(lambda: self.some(self.call, 3), 0.5)
            for key in ("reasoning", "reasoning_content", "thinking"):
                if self.chance(0.2):
                    message[key] = self.or_odd(self.string)
            if self.chance(0.12):
                message["tool_responses"] = self.or_odd(lambda: self.some(lambda: self.or_odd(self.response), 2))
        return message

    def __call__(self, template):
        options = {key: self.or_odd(lambda: self.chance(0.5)) for key in
                   ("add_generation_prompt", "enable_thinking", "preserve_thinking") if self.chance(0.6)}
        tools = self.some(self.tool, 2, 1) if self.chance(0.4) else self.r.choice([None, []])
        messages = [self.message(i == 0) for i in range(self.r.choice([1, 1, 2, 3, 3, 4, 5, 6]))]
        return {"template": template, "messages": messages, "tools": tools, "options": options}


def plain_requests():
    """Conversations as programs have them."""
    weather = {"type": "function", "function": {
        "name": "get_weather", "description": "The weather of a city", "parameters": {
            "type": "object", "required": ["city"], "properties": {
                "city": {"type": "string", "description": "Name of the city"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "array", "items": {"type": "integer", "minimum": 1}},
                "place": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}}}}}}}
    user = {"role": "user", "content": "What is the weather in Paris?"}
    call = {"role": "assistant", "reasoning_content": "I need the weather.", "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": {
            "city": "Paris", "days": [1, 2], "place": {"lat": 48.85, "lon": 2.0}, "Unit": None, "now": True}}}]}
    result = {"role": "tool", "tool_call_id": "c1", "content": '{"temperature": 21}'}
    conversations = [
        [user],
        [{"role": "system", "content": "Be brief. "}, user],
        [user, {"role": "assistant", "content": "Sunny."}, {"role": "user", "content": "And tomorrow?"}],
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " What is this? "}, {"type": "audio"}]}],
        [user, call],
        [user, call, result],
        [user, call, result, {"role": "assistant", "content": "21 degrees.", "reasoning": "Read it."}],
        [user, call, result, {"role": "assistant", "content": "21 degrees."}, user],
        [user, {**call, "content": "Let me look."}, result],
    ]
    for messages in conversations:
        for thinking in (False, True):
            for tools in (None, [weather]):
                yield {"messages": messages, "tools": tools,
                       "options": {"add_generation_prompt": True, "enable_thinking": thinking}}


def write(reference):
    tiny = Tokenizer.from_file(str(DATA / "tiny" / "tokenizer.json"))
    rows = []
    for name in NAMES:
        for request in plain_requests():
            if not name.startswith("canonical") and (request["tools"] is None) == request["options"]["enable_thinking"]:
                continue
            row = {"template": name, **request}
            row["text"] = reference(row)
            if name == "canonical-small" and len(row["text"]) < 800:
                row["ids"] = tiny.encode(row["text"], add_special_tokens=False).ids
            rows.append(row)
    random_requests = Requests(6, 0.03)
    for i in range(200):
        row = random_requests(NAMES[i % 4 // 2 if i % 3 else i % 6])
        text = reference(row)
        rows.append({**row, **({"error": True} if text is None else {"text": text})})
    path = DATA / "chat" / "render_cases.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows), encoding="utf-8",
                    newline="\n")
    (path.parent / "python_text.json").write_text(json.dumps(python_text()) + "\n", encoding="utf-8", newline="\n")
    print(len(rows), "cases,", sum("error" in row for row in rows), "of them errors")


def python_text():
    """What Python's own repr, lower, upper and strip give."""
    r = random.Random(9)
    floats = [float(x) for x in NUMBERS if isinstance(x, float)] + [9999999999999998.0, 0.00012345, 1e23]
    while len(floats) < 80:
        x = struct.unpack("d", struct.pack("Q", r.getrandbits(64)))[0]
        if math.isfinite(x):
            floats.append(x)
    floats += [round(r.uniform(-1e6, 1e6), r.randint(0, 8)) for _ in range(40)]
    words = STRINGS + ["\x00\x1f\x7f", "both ' and \"", "\ue000", "\U000e0001", "ΑΣ", "Α\u0301Σ", "ΑΣ.", "ⓐⅧ", "ﬀΣ", "DŽdž", "Ꭰꭰ", "𐐀𐐨"]
    characters = [chr(c) for c in range(0x250)] + [chr(r.randrange(0x250, 0xD800)) for _ in range(400)]
    characters += [chr(r.randrange(0xE000, 0x20000)) for _ in range(200)]
    words += ["".join(characters[i:i + 24]) for i in range(0, len(characters), 24)]
    words += ["".join(r.choice("aA ΣςσΑ.\u0301'\u00b7İßé") for _ in range(r.randint(1, 9))) for _ in range(60)]
    return {"floats": [[x, repr(x)] for x in floats],
            "words": [{"text": w, "repr": repr(w), "lower": w.lower(), "upper": w.upper(), "strip": w.strip()} for w in words]}


def compare(reference, program, count, seed, odd):
    make = Requests(seed, odd)
    requests = [json.loads(json.dumps(make(NAMES[i % len(NAMES)]))) for i in range(count)]
    lines = "".join(json.dumps(request, ensure_ascii=False) + "\n" for request in requests)
    output = subprocess.run(program, input=lines.encode(), capture_output=True, check=True).stdout.decode()
    answers = [json.loads(line) for line in output.split("\n") if line]
    assert len(answers) == count, f"{len(answers)} answers to {count} requests"
    counts = collections.Counter()
    for request, answer in zip(requests, answers):
        expected = reference(request)
        same = isinstance(answer, dict) and "error" in answer if expected is None else answer == expected
        counts[request["template"], "same" if same else "DIFFERENT", "error" if expected is None else "text"] += 1
        if not same:
            print(json.dumps(request, ensure_ascii=False), "\n  expected", repr(expected), "\n  found   ", repr(answer))
    for key in sorted(counts):
        print(*key, counts[key])
    return any(key[1] != "same" for key in counts)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("what", choices=["write", "compare"])
    arguments.add_argument("templates", type=pathlib.Path)
    arguments.add_argument("program", nargs="*")
    arguments.add_argument("--count", type=int, default=3000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--odd", type=float, default=0.03)
    options = arguments.parse_args()
    transformers_reference = Reference(options.templates)
    if options.what == "write":
        write(transformers_reference)
    else:
        sys.exit(compare(transformers_reference, options.program, options.count, options.seed, options.odd))
