"""Held-out loss and exact answers per category: python evaluate.py [--per-category 100] [--json FILE]

An answer is exact when greedy decoding gives every token of it, which is the same as every token being the most likely
one after the right beginning, so one forward pass decides it.
"""
import argparse
import json
import random
from collections import defaultdict

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

import chats
import corpus
import items
import model as nano


def held_out_chats(per_category, seed=12345):
    """Single questions that training never sees (way of asking x fact, or the operands of a sum), and whole held-out chats."""
    rng = random.Random(seed)
    found = defaultdict(dict)
    for _ in range(600 * per_category):
        item = items.draw(rng, train=False)
        if len(found[item.category]) < per_category:
            found[item.category].setdefault(item.key + item.question, chats.Chat(item.category, chats.turn(rng, item)))
    for build in (chats.conversation, chats.with_system, chats.thinking, chats.with_tools):
        for i in range(per_category):
            chat = build(rng, False)
            found[chat.category][i] = chat
    return {category: list(group.values()) for category, group in sorted(found.items())}


@torch.no_grad()
def score(model, tokenizer, template, group):
    """(loss a token, share of exact answers) of some chats. Every model turn of a chat counts as an answer."""
    loss = tokens = exact = answers = 0
    pairs = sorted((corpus.encode(tokenizer, template, chat) for chat in group), key=lambda p: len(p[0]))
    for start in range(0, len(pairs), 16):
        ids, targets = corpus.padded(pairs[start:start + 16])
        logits = model(input_ids=ids, use_cache=False).logits
        loss += F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum").item()
        tokens += (targets != -100).sum().item()
        right = (logits.argmax(-1) == targets) | (targets == -100)
        for row, target in zip(right.tolist(), targets.tolist()):
            spoken = False
            ok = True
            for r, t in zip(row + [True], target + [-100]):
                if t == -100 and spoken:
                    answers, exact = answers + 1, exact + ok
                    ok = True
                spoken = t != -100
                ok = ok and r
    return loss / tokens, exact / answers, answers, tokens


def evaluate(model, per_category):
    tokenizer = Tokenizer.from_file(str(corpus.MODEL / "tokenizer.json"))
    template = corpus.plain_template()
    rows, total, count = {}, 0.0, 0
    for category, group in held_out_chats(per_category).items():
        loss, exact, answers, tokens = score(model, tokenizer, template, group)
        rows[category] = {"loss": round(loss, 4), "exact": round(exact, 4), "answers": answers}
        total, count = total + loss * tokens, count + tokens
    scored = [r["exact"] for c, r in rows.items() if c != "story"]
    return {"held_out_loss": round(total / count, 4), "mean_exact": round(sum(scored) / len(scored), 4), "categories": rows}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--per-category", type=int, default=100)
    parser.add_argument("--json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    result = evaluate(nano.load(), args.per_category)
    if args.json:
        with open(args.json, "w") as out:
            json.dump(result, out, indent=1)
    print(f"held-out loss {result['held_out_loss']} a token, exact answers {result['mean_exact']:.1%} (mean of categories, stories left out)")
    for category, row in result["categories"].items():
        print(f"| {category} | {row['loss']:.3f} | {row['exact']:.0%} | {row['answers']} |")
