"""Asks the stored model: python ask.py "question" ["next question" ...]; one conversation, greedy."""
import sys

import torch
from transformers import AutoTokenizer

import corpus
import make_golden
import model as nano

torch.set_num_threads(1)
tokenizer = AutoTokenizer.from_pretrained(str(corpus.MODEL))
model = nano.load()
messages = []
with torch.no_grad():
    for question in sys.argv[1:]:
        messages.append({"role": "user", "content": question})
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        new, _, _ = make_golden.greedy(model, tokenizer(text, add_special_tokens=False).input_ids, limit=100)
        answer = tokenizer.decode(new, skip_special_tokens=True)
        messages.append({"role": "assistant", "content": answer})
        print(f"> {question}\n{answer}")
