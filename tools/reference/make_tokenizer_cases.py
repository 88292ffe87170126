"""Writes tests/data/text/tiny_cases.jsonl: what Hugging Face `tokenizers` does with the tiny vocabulary.

    python tools/reference/make_tokenizer_cases.py            (tokenizers == 0.23.3)

Lines: {"text", "ids", "as_text"}: encode without <bos>, special tokens recognised, and (if different) as plain characters;
       {"ids", "skip_special_tokens", "text"}: decode.
"""

import json
import pathlib
import random

import tokenizers

root = pathlib.Path(__file__).resolve().parents[2]
vocabulary = root / "tests/data/tiny/tokenizer.json"
target = root / "tests/data/text/tiny_cases.jsonl"

assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
reference = tokenizers.Tokenizer.from_file(str(vocabulary))
tokens = [reference.id_to_token(i) for i in range(reference.get_vocab_size())]
specials = sorted(t.content for t in reference.get_added_tokens_decoder().values() if t.special)
rng = random.Random(20240404)

FIXED = [
    "", " ", "  ", "\n", "\r\n", "\t\tx", "a", "Hello, world!", " leading and trailing ", "\u2581", "a\u2581b \u2581 c",
    "<0x41>", "<unused0>", "<|turn>user\nHi<turn|>\n<|turn>model\n", "a<bos><bos>b", "<turn|", "<<turn|>>", "<|turn|>",
    "<|tool_call><|tool_call|>", "<|\"|>x<|\"|>", " <eos> ", "caf\u00e9 cafe\u0301 na\u00efve", "\u65e5\u672c\u8a9e",
    "\U0001f469\u200d\U0001f680", "\U000e0041", "\x00\x01\x7f", "\ufeffbom", "\ufffd", "\u00a0\u3000", "1234567",
    "\u0e20\u0e32\u0e29\u0e32", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629", "a> </b>", ".\u2581.", "x " * 40,
    "the " * 30, "self_attn.self_attn.",
]
FIXED += [c * n for c in (" ", "\n", "\t", "a", "=", "\u2581", "\u00e9") for n in (7, 8, 9, 31, 32, 33, 100)]


def scalar():
    while True:
        c = rng.choice([rng.randrange(0x80), rng.randrange(0x800), rng.randrange(0x10000), rng.randrange(0x110000)])
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def random_text():
    pieces = []
    for _ in range(rng.randrange(1, 14)):
        pieces.append(
            rng.choice([
                lambda: rng.choice(tokens),
                lambda: rng.choice(tokens).replace("\u2581", " "),
                lambda: rng.choice(specials),
                lambda: rng.choice(specials)[: rng.randrange(1, 6)],
                lambda: rng.choice(" \n\t\u2581>.=a") * rng.randrange(1, 20),
                lambda: "".join(rng.choice("etaoinshrdlu_.()<>|") for _ in range(rng.randrange(1, 12))),
                scalar,
            ])())
    return "".join(pieces)


def encode_case(text):
    case = {"text": text, "ids": reference.encode(text, add_special_tokens=False).ids}
    reference.encode_special_tokens = True
    as_text = reference.encode(text, add_special_tokens=False).ids
    reference.encode_special_tokens = False
    if as_text != case["ids"]:
        case["as_text"] = as_text
    return case


def random_ids():
    ids = []
    for _ in range(rng.randrange(1, 10)):
        kind = rng.randrange(5)
        if kind == 0:
            ids += [reference.token_to_id(f"<0x{b:02X}>") for b in scalar().encode()]
        elif kind == 1:
            ids.append(rng.randrange(238, 494))
        elif kind == 2:
            ids.append(reference.token_to_id(rng.choice(specials)))
        else:
            ids.append(rng.randrange(len(tokens) + 20))
    return ids


def decode_case(ids, skip):
    return {"ids": ids, "skip_special_tokens": skip, "text": reference.decode(ids, skip_special_tokens=skip)}


cases = [encode_case(text) for text in FIXED + [random_text() for _ in range(260)]]
cases += [decode_case(random_ids(), skip) for _ in range(60) for skip in (False, True)]
e282ac = [reference.token_to_id(f"<0x{b:02X}>") for b in "\u20ac".encode()]
for ids in (e282ac, e282ac[:2], e282ac[:2] + [106] + e282ac[2:], e282ac + e282ac[:1], [106, 2, 1]):
    cases += [decode_case(ids, skip) for skip in (False, True)]

target.parent.mkdir(parents=True, exist_ok=True)
with open(target, "w", encoding="utf-8") as out:
    for case in cases:
        out.write(json.dumps(case, ensure_ascii=True, separators=(",", ":")) + "\n")
print(f"{len(cases)} cases, {target.stat().st_size} bytes")
