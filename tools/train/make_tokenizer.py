"""Writes models/nano/tokenizer.json and tokenizer_config.json: the real format, own pieces, control tokens at the real ids."""
import json
import random
import re

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import chats
import corpus

VOCAB = 2048
FIXED = {0: "<pad>", 1: "<eos>", 2: "<bos>", 3: "<unk>", 4: "<mask>", 46: "<|tool>", 47: "<tool|>", 48: "<|tool_call>",
         49: "<tool_call|>", 50: "<|tool_response>", 51: "<tool_response|>", 52: '<|"|>', 98: "<|think|>", 100: "<|channel>",
         101: "<channel|>", 105: "<|turn>", 106: "<turn|>", 2000: "<|image>", 2001: "<|audio>", 2040: "<|image|>",
         2041: "<|audio|>", 2042: "<image|>", 2043: "<audio|>", 2044: "<|video|>"}
NEWLINE_RUNS = {106 + n: "\n" * n for n in range(1, 9)}
SPACE_RUNS = {113 + n: "\u2581" * n for n in range(2, 9)}
BYTES = {238 + b: f"<0x{b:02X}>" for b in range(256)}
TAKEN = FIXED | NEWLINE_RUNS | SPACE_RUNS | BYTES
CONTROL = re.compile("|".join(map(re.escape, sorted(FIXED.values(), key=len, reverse=True))))


def texts(count, seed=7):
    rng = random.Random(seed)
    template = corpus.plain_template()
    for _ in range(count):
        yield from filter(None, CONTROL.split(corpus.rendered(template, chats.draw_chat(rng))))


def learned(count):
    """The pieces and merges of a BPE over the chats: never across a newline, a digit, a punctuation mark or the start of a word."""
    tok = Tokenizer(models.BPE())
    tok.normalizer = normalizers.Replace(" ", "\u2581")
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split("\n", "isolated"), pre_tokenizers.Split("\u2581", "merged_with_next"),
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Punctuation("isolated")])
    alphabet = [chr(c) for c in range(33, 127)] + list("\u2581äöüßéèêáíóúñçàâîôû°€’“”–")
    trainer = trainers.BpeTrainer(vocab_size=count + 1, initial_alphabet=alphabet, special_tokens=[], show_progress=False, max_token_length=16)
    tok.train_from_iterator(texts(20000), trainer)
    model = json.loads(tok.to_str())["model"]
    pieces = [p for p, _ in sorted(model["vocab"].items(), key=lambda x: x[1]) if p != "\n"]
    merges = [m if isinstance(m, list) else m.split(" ", 1) for m in model["merges"]]
    return pieces[:count], merges


def main():
    free = [i for i in range(VOCAB) if i not in TAKEN]
    pieces, merges = learned(len(free))
    vocab = {text: i for i, text in TAKEN.items()} | dict(zip(pieces, free))
    runs = [[run[:-1], run[-1]] for table in (NEWLINE_RUNS, SPACE_RUNS) for run in table.values() if len(run) > 1]
    merges = runs + [m for m in merges if m[0] + m[1] in vocab]
    for i in range(VOCAB):
        if i not in vocab.values():
            vocab[f"<unused{i}>"] = i
    tok = Tokenizer(models.BPE(vocab=dict(sorted(vocab.items(), key=lambda x: x[1])), merges=[tuple(m) for m in merges],
                               unk_token="<unk>", fuse_unk=True, byte_fallback=True, ignore_merges=False))
    tok.normalizer = normalizers.Replace(" ", "\u2581")
    tok.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tok.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B:1", special_tokens=[])
    tok.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    tok.add_special_tokens([FIXED[i] for i in sorted(FIXED)])
    corpus.MODEL.mkdir(parents=True, exist_ok=True)
    (corpus.MODEL / "tokenizer.json").write_text(json.dumps(json.loads(tok.to_str()), ensure_ascii=False, indent=0).replace(
        "[\n", "[").replace("\n]", "]") + "\n", encoding="utf-8")
    (corpus.MODEL / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "GemmaTokenizer", "backend": "tokenizers", "processor_class": "Gemma4Processor",
        "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>",
        "padding_side": "left", "model_max_length": 4096, "extra_special_tokens": ["<|video|>"],
        "image_token": "<|image|>", "boi_token": "<|image>", "eoi_token": "<image|>", "audio_token": "<|audio|>",
        "boa_token": "<|audio>", "eoa_token": "<audio|>", "sot_token": "<|turn>", "eot_token": "<turn|>", "soc_token": "<|channel>",
        "eoc_token": "<channel|>", "std_token": "<|tool>", "etd_token": "<tool|>", "stc_token": "<|tool_call>",
        "etc_token": "<tool_call|>", "str_token": "<|tool_response>", "etr_token": "<tool_response|>",
        "escape_token": "<|\"|>", "think_token": "<|think|>"}, indent=1) + "\n")
    print(len(pieces), "pieces,", len(merges), "merges,", sum(t.startswith("<unused") for t in vocab), "unused")


if __name__ == "__main__":
    main()
