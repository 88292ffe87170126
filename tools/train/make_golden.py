"""Writes tests/data/golden/nano: what transformers (float32, sdpa) answers with the stored weights. Run it after every change of models/nano.

    greedy.json   a list of {"text", "prompt", "new_tokens", "answer", "smallest_margin"}: the rendered prompt, its ids, up to 48 greedy ids (a stop
                  id, if one comes, is the last), their text, the smallest difference between the best two logits on the way
    last_logits.npy    float32 [1, vocab], the logits of the last row of the first prompt
"""
import json
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer

import corpus
import model as nano

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "data" / "golden" / "nano"
CALCULATOR = {"type": "function", "function": {
    "name": "calculator", "description": "Evaluates an arithmetic expression",
    "parameters": {"type": "object", "properties": {"expression": {"type": "string", "description": "The expression"}},
                   "required": ["expression"]}}}


def user(text):
    return {"role": "user", "content": text}


def model_says(text):
    return {"role": "assistant", "content": text}


CALL = {"role": "assistant", "tool_calls": [{"type": "function", "id": "call_0", "function": {
    "name": "calculator", "arguments": {"expression": "12*34"}}}]}
PROMPTS = [
    dict(conversation=[user("Why is the sky blue?")]),
    dict(conversation=[user("Hi! What can you do?")]),
    dict(conversation=[user("What is the capital of France?"), model_says("The capital of France is Paris."), user("And of Italy?")]),
    dict(conversation=[user("What is 12 * 34?")], tools=[CALCULATOR]),
    dict(conversation=[user("What is 12 * 34?"), CALL, {"role": "tool", "tool_call_id": "call_0", "content": "408"}], tools=[CALCULATOR]),
    dict(conversation=[{"role": "system", "content": "You are a helpful assistant."}, user("Tell me a short story about a fox.")]),
]


@torch.no_grad()
def greedy(model, ids, limit=48):
    new, margin, first = [], float("inf"), None
    while len(new) < limit and (not new or new[-1] not in nano.GENERATION["eos_token_id"]):
        logits = model(input_ids=torch.tensor([ids + new]), use_cache=False).logits[0, -1]
        first = logits if first is None else first
        best = logits.topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        new.append(best.indices[0].item())
    return new, margin, first


def main():
    torch.set_num_threads(1)      # these matrices are too small to share
    tokenizer = AutoTokenizer.from_pretrained(str(corpus.MODEL))
    model = nano.load()
    GOLDEN.mkdir(parents=True, exist_ok=True)
    rows = []
    for prompt in PROMPTS:
        text = tokenizer.apply_chat_template(**prompt, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(text, add_special_tokens=False).input_ids
        new, margin, first = greedy(model, ids)
        if not rows:
            np.save(GOLDEN / "last_logits.npy", first.numpy()[None].astype(np.float32))
        rows.append({"text": text, "prompt": ids, "new_tokens": new, "answer": tokenizer.decode(new), "smallest_margin": margin})
        print(f"{margin:.4f} {text!r}\n    -> {rows[-1]['answer']!r}")
    (GOLDEN / "greedy.json").write_text("[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
