"""From chats to token ids and the mask of what the model has to say itself."""
import random
from pathlib import Path

import numpy as np
import torch
from transformers.utils.chat_template_utils import render_jinja_template

import chats

MODEL = Path(__file__).resolve().parents[2] / "models" / "nano"
TURN, END_TURN, TOOL_RESPONSE, END_TOOL_RESPONSE, NEWLINE, PAD, EOS, BOS = 105, 106, 50, 51, 107, 0, 1, 2


def plain_template():
    return (MODEL / "chat_template.jinja").read_text()


def rendered(template, chat, generation_prompt=False):
    """The text of a chat, exactly as `tokenizer.apply_chat_template` makes it."""
    if chat.text:
        return "<bos>" + chat.text + "<eos>"
    texts, _ = render_jinja_template(conversations=[chat.messages], tools=chat.tools, chat_template=template, bos_token="<bos>",
                                     enable_thinking=chat.thinking, add_generation_prompt=generation_prompt)
    return texts[0]


def spoken(ids, model_id, chat):
    """True where a token is the model's own: its turns up to <turn|>, without the results of tools."""
    mask = np.zeros(len(ids), bool)
    if chat.text:
        mask[1:] = True
        return mask
    inside = response = False
    start = 0
    for i, t in enumerate(ids):
        if inside:
            mask[i] = not response
            if t == TOOL_RESPONSE:
                response = True
            elif t == END_TOOL_RESPONSE:
                response = False
            elif t == END_TURN:
                inside = False
        elif t == NEWLINE and i >= 2 and ids[i - 1] == model_id and ids[i - 2] == TURN:
            inside, start = True, i + 1
    if chat.last_only:
        mask[:start] = False
    return mask


def encode(tokenizer, template, chat):
    ids = tokenizer.encode(rendered(template, chat), add_special_tokens=False).ids
    return np.array(ids, np.int32), spoken(ids, tokenizer.token_to_id("model"), chat)


def batches(tokenizer, template, seed, tokens, batch_tokens, longest=768):
    """About `tokens` fresh tokens as padded batches of chats of similar length: (ids, targets), targets -100 where not spoken."""
    rng = random.Random(seed)
    pool, total = [], 0
    while total < tokens:
        pair = encode(tokenizer, template, chats.draw_chat(rng))
        if len(pair[0]) <= longest:
            pool.append(pair)
            total += len(pair[0])
    pool.sort(key=lambda p: len(p[0]))
    groups, group = [], []
    for pair in pool:
        if group and len(pair[0]) * (len(group) + 1) > batch_tokens:
            groups.append(group)
            group = []
        group.append(pair)
    groups.append(group)
    rng.shuffle(groups)
    for group in groups:
        yield padded(group)


def padded(group):
    n = max(len(ids) for ids, _ in group)
    ids = torch.zeros(len(group), n, dtype=torch.long)
    targets = torch.full((len(group), n), -100, dtype=torch.long)
    for row, (tokens, mask) in enumerate(group):
        ids[row, :len(tokens)] = torch.from_numpy(tokens).long()
        targets[row, :len(tokens) - 1] = torch.from_numpy(np.where(mask, tokens, -100)).long()[1:]
    return ids, targets
