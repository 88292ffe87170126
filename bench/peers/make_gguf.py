#!/usr/bin/env python3
"""Writes a GGUF v3 file with random weights at the real shapes of a Gemma 4 model (llama.cpp's architecture gemma4).

    make_gguf.py VARIANT TYPE OUT [--tokenizer tokenizer.json] [--seed N] [--layers N] [--hollow]

VARIANT  e2b, e4b, a4b, d31b
TYPE     q4_0      Q4_0 with Q6_K embeddings and a BF16 per_layer_model_proj, as llama.cpp's quantiser assigns types
         q4_0_all  the same with Q4_0 embeddings
         q8_0, bf16
OUT      the file; disk needed: 3.3 GB for e2b q4_0 (q4_0_all 2.6, q8_0 5.0, bf16 9.3), 5.2 for e4b, 14.4 for a4b, 17.6 for
         d31b
--layers the first N layers only: a text model that llama.cpp accepts beside a projector file, of no use alone
--hollow matrices are zeros that take no disk: a text model for `gemma4 encode --compute exact`, which does not read them

Quantised blocks are random codes with scales that give every matrix a standard deviation of 1 / sqrt(columns), so that
activations stay finite. The bytes repeat after a few megabytes, which no reader can make use of. Without --tokenizer the
vocabulary is invented, of the real size. Needs numpy and gguf (pip install gguf); no more memory than the vocabulary.
"""

import argparse
import json
import os
import sys

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFWriter, LlamaFileType

VOCAB = 262144
MODELS = {
    "e2b": dict(hidden=1536, layers=35, every=5, heads=8, kv=1, global_kv=1, window=512, ffn=6144, shared_ffn=12288,
                shared=20, ple=256, context=131072),
    "e4b": dict(hidden=2560, layers=42, every=6, heads=8, kv=2, global_kv=2, window=512, ffn=10240, shared_ffn=10240,
                shared=18, ple=256, context=131072),
    "a4b": dict(hidden=2816, layers=30, every=6, heads=16, kv=8, global_kv=2, window=1024, ffn=2112, shared_ffn=2112,
                shared=0, ple=0, context=262144, experts=128, active=8, expert_ffn=704),
    "d31b": dict(hidden=5376, layers=60, every=6, heads=32, kv=16, global_kv=4, window=1024, ffn=21504,
                 shared_ffn=21504, shared=0, ple=0, context=262144),
}
HEAD, GLOBAL_HEAD = 256, 512
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
BLOCK = {T.F32: (1, 4), T.BF16: (1, 2), T.Q4_0: (32, 18), T.Q8_0: (32, 34), T.Q6_K: (256, 210)}    # weights, bytes
FILE_TYPE = {"q4_0": LlamaFileType.MOSTLY_Q4_0, "q4_0_all": LlamaFileType.MOSTLY_Q4_0,
             "q8_0": LlamaFileType.MOSTLY_Q8_0, "bf16": LlamaFileType.MOSTLY_BF16}
SPECIAL = {0: "<pad>", 1: "<eos>", 2: "<bos>", 3: "<unk>", 4: "<mask>", 46: "<|tool>", 47: "<tool|>", 48: "<|tool_call>",
           49: "<tool_call|>", 50: "<|tool_response>", 51: "<tool_response|>", 52: '<|"|>', 98: "<|think|>",
           100: "<|channel>", 101: "<channel|>", 105: "<|turn>", 106: "<turn|>", 255999: "<|image>",
           256000: "<|audio>", 258880: "<|image|>", 258881: "<|audio|>", 258882: "<image|>", 258883: "<audio|>",
           258884: "<|video|>"}
ALWAYS_SHOWN = {48, 49, 50, 51, 52, 100, 101}    # user-defined rather than control, as llama.cpp's converter has it


def real_vocabulary(path):
    """tokens, types, merges of a tokenizer.json."""
    with open(path, encoding="utf-8") as f:
        data = json.load(f)
    tokens, types = [None] * VOCAB, [NORMAL] * VOCAB
    for token, i in data["model"]["vocab"].items():
        tokens[i] = token
        if len(token) == 6 and token.startswith("<0x"):
            types[i] = BYTE
    for added in data.get("added_tokens", []):
        i = added["id"]
        tokens[i] = added["content"]
        types[i] = (USER_DEFINED if i in ALWAYS_SHOWN or not added.get("special") else CONTROL)
    missing = [i for i, token in enumerate(tokens) if token is None]
    for i in missing:
        tokens[i], types[i] = f"<unused_id_{i}>", USER_DEFINED
    merges = [m if isinstance(m, str) else " ".join(m) for m in data["model"]["merges"]]
    return tokens, types, merges


def invented_vocabulary():
    """The same sizes: bytes, printable characters, and words that grow by one character a merge."""
    fixed = dict(SPECIAL)
    fixed.update({238 + b: f"<0x{b:02X}>" for b in range(256)})
    letters = [chr(c) for c in range(33, 127)] + ["\u2581", "\n"]
    taken, words, merges, at = set(fixed.values()), list(letters), [], 0
    while len(words) < VOCAB:
        for letter in letters[:-1]:
            if words[at] == "\n":
                continue
            word = words[at] + letter
            if word not in taken:
                taken.add(word)
                words.append(word)
                merges.append(f"{words[at]} {letter}")
        at += 1
    tokens, types, word = [], [], iter(words)
    for i in range(VOCAB):
        if i in fixed:
            tokens.append(fixed[i])
            types.append(BYTE if 238 <= i < 494 else USER_DEFINED if i in ALWAYS_SHOWN else CONTROL)
        else:
            tokens.append(next(word))
            types.append(NORMAL)
    known = set(tokens)
    return tokens, types, [m for m in merges if m.replace(" ", "") in known]


def types_of(type_name):
    """(matrices, token_embd and per_layer_token_embd, per_layer_model_proj)"""
    if type_name == "bf16":
        return T.BF16, T.BF16, T.BF16
    if type_name == "q8_0":
        return T.Q8_0, T.Q8_0, T.BF16
    return T.Q4_0, T.Q4_0 if type_name == "q4_0_all" else T.Q6_K, T.BF16


def tensors(m, type_name):
    """(name, shape as rows ... columns, type) in file order."""
    matrix, embedding, projection = types_of(type_name)
    hidden, ple = m["hidden"], m["ple"]
    yield "token_embd.weight", (VOCAB, hidden), embedding
    yield "output_norm.weight", (hidden,), T.F32
    yield "rope_freqs.weight", (GLOBAL_HEAD // 2,), T.F32
    if ple:
        width = ple * m["layers"]
        yield "per_layer_token_embd.weight", (VOCAB, width), embedding
        yield "per_layer_model_proj.weight", (width, hidden), projection
        yield "per_layer_proj_norm.weight", (ple,), T.F32
    for l in range(m["layers"]):
        is_global = (l + 1) % m["every"] == 0
        head = GLOBAL_HEAD if is_global else HEAD
        queries = m["heads"] * head
        keys = (m["global_kv"] if is_global else m["kv"]) * head
        ffn = m["shared_ffn"] if l >= m["layers"] - m["shared"] else m["ffn"]
        blk = f"blk.{l}."

        def vector(name, size):
            return blk + name, (size,), T.F32

        def weight(name, *shape):
            return blk + name, shape, matrix

        yield vector("attn_norm.weight", hidden)
        yield weight("attn_q.weight", queries, hidden)
        yield weight("attn_k.weight", keys, hidden)
        if ple or not is_global:    # the large models' global layers use keys as values
            yield weight("attn_v.weight", keys, hidden)
        yield weight("attn_output.weight", hidden, queries)
        yield vector("attn_q_norm.weight", head)
        yield vector("attn_k_norm.weight", head)
        yield vector("post_attention_norm.weight", hidden)
        yield vector("ffn_norm.weight", hidden)
        yield weight("ffn_gate.weight", ffn, hidden)
        yield weight("ffn_up.weight", ffn, hidden)
        yield weight("ffn_down.weight", hidden, ffn)
        yield vector("post_ffw_norm.weight", hidden)
        yield vector("layer_output_scale.weight", 1)
        if ple:
            yield weight("inp_gate.weight", ple, hidden)
            yield weight("proj.weight", hidden, ple)
            yield vector("post_norm.weight", hidden)
        if "experts" in m:
            n, wide = m["experts"], m["expert_ffn"]
            yield blk + "ffn_gate_inp.weight", (n, hidden), T.F32
            yield vector("ffn_gate_inp.scale", hidden)
            yield weight("ffn_gate_up_exps.weight", n, 2 * wide, hidden)
            yield weight("ffn_down_exps.weight", n, hidden, wide)
            yield vector("ffn_down_exps.scale", n)
            yield vector("pre_ffw_norm_2.weight", hidden)
            yield vector("post_ffw_norm_1.weight", hidden)
            yield vector("post_ffw_norm_2.weight", hidden)


class Blocks:
    """Random blocks of each type with unit standard deviation but for a factor that make() is given."""

    COUNT = 65536

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.made = {}

    def halves(self, spread):
        """COUNT scales around 1 as float32."""
        return self.random.uniform(1 - spread, 1 + spread, self.COUNT).astype(np.float32)

    def make(self, kind, deviation):
        """uint8 (COUNT, bytes of a block), deviation being that of the weights."""
        key = kind, deviation
        if key in self.made:
            return self.made[key]
        n = self.COUNT
        out = self.random.integers(0, 256, (n, BLOCK[kind][1]), dtype=np.uint8)

        def put(at, values):
            out[:, at:at + 2] = values.astype("<f2").view(np.uint8).reshape(n, 2)

        if kind == T.Q4_0:
            put(0, self.halves(0.3) * (deviation / 4.61))
        elif kind == T.Q8_0:
            put(0, self.halves(0.3) * (deviation / 73.9))
        elif kind == T.Q6_K:
            out[:, 192:208] = self.random.integers(30, 90, (n, 16), dtype=np.uint8)    # signed bytes
            put(208, self.halves(0.1) * (deviation / (18.5 * 62)))
        elif kind == T.BF16:
            values = (self.random.standard_normal(n) * deviation).astype("<f4")
            out[:] = (values.view("<u4") >> 16).astype("<u2").view(np.uint8).reshape(n, 2)
        else:
            out[:] = (self.random.standard_normal(n) * deviation).astype("<f4").view(np.uint8).reshape(n, 4)
        self.made[key] = out.reshape(-1)
        return self.made[key]


def vector_values(name, size, random):
    if name == "rope_freqs.weight":
        return np.where(np.arange(size) < GLOBAL_HEAD // 8, 1.0, 1e30).astype("<f4")
    if name.endswith("layer_output_scale.weight"):
        return np.ones(size, "<f4")
    return random.uniform(0.8, 1.2, size).astype("<f4")


def write_tensor(out, name, shape, kind, blocks, hollow):
    if len(shape) == 1:
        return out.write(vector_values(name, shape[0], blocks.random).tobytes())
    weights, block_bytes = BLOCK[kind]
    if hollow:
        size = int(np.prod(shape)) // weights * block_bytes
        out.seek(size, os.SEEK_CUR)
        return size
    pattern = blocks.make(kind, float(shape[-1]) ** -0.5)
    left = int(np.prod(shape)) // weights * block_bytes
    written = left
    at = int(blocks.random.integers(0, Blocks.COUNT)) * block_bytes
    while left:
        part = pattern[at:at + left]
        out.write(part.data)
        left -= len(part)
        at = 0
    return written


def add_metadata(w, variant, m, type_name, tokenizer):
    layers = m["layers"]
    is_global = [(l + 1) % m["every"] == 0 for l in range(layers)]
    w.add_name(f"gemma-4-{variant}-random-{type_name}")
    w.add_file_type(FILE_TYPE[type_name])
    w.add_quantization_version(2)
    w.add_block_count(layers)
    w.add_context_length(m["context"])
    w.add_embedding_length(m["hidden"])
    if m["ffn"] != m["shared_ffn"]:
        w.add_feed_forward_length([m["ffn"]] * (layers - m["shared"]) + [m["shared_ffn"]] * m["shared"])
    else:
        w.add_feed_forward_length(m["ffn"])
    w.add_head_count(m["heads"])
    w.add_head_count_kv(m["kv"] if m["kv"] == m["global_kv"] else [m["global_kv"] if g else m["kv"] for g in is_global])
    w.add_key_length(GLOBAL_HEAD)
    w.add_value_length(GLOBAL_HEAD)
    prefix = "gemma4."
    w.add_uint32(prefix + "attention.key_length_swa", HEAD)
    w.add_uint32(prefix + "attention.value_length_swa", HEAD)
    w.add_sliding_window(m["window"])
    w.add_array(prefix + "attention.sliding_window_pattern", [not g for g in is_global])
    w.add_uint32(prefix + "attention.shared_kv_layers", m["shared"])
    w.add_layer_norm_rms_eps(1e-6)
    w.add_rope_freq_base(1e6)
    w.add_float32(prefix + "rope.freq_base_swa", 1e4)
    w.add_rope_dimension_count(GLOBAL_HEAD)
    w.add_uint32(prefix + "rope.dimension_count_swa", HEAD)
    w.add_float32(prefix + "final_logit_softcapping", 30.0)
    w.add_uint32(prefix + "embedding_length_per_layer_input", m["ple"])
    if "experts" in m:
        w.add_expert_count(m["experts"])
        w.add_expert_used_count(m["active"])
        w.add_expert_feed_forward_length(m["expert_ffn"])
    tokens, types, merges = real_vocabulary(tokenizer) if tokenizer else invented_vocabulary()
    w.add_tokenizer_model("gemma4")
    w.add_token_list(tokens)
    w.add_array("tokenizer.ggml.scores", [0.0] * VOCAB)
    w.add_token_types(types)
    w.add_token_merges(merges)
    w.add_bos_token_id(2)
    w.add_eos_token_id(1)
    w.add_unk_token_id(3)
    w.add_pad_token_id(0)
    w.add_mask_token_id(4)
    w.add_add_bos_token(True)
    w.add_add_space_prefix(False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variant", choices=MODELS)
    parser.add_argument("type", choices=FILE_TYPE)
    parser.add_argument("out")
    parser.add_argument("--tokenizer", help="a tokenizer.json of Gemma 4")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--hollow", action="store_true")
    a = parser.parse_args()
    m = MODELS[a.variant]
    if a.layers:
        m = dict(m, layers=a.layers, every=min(m["every"], a.layers),
                 shared=max(0, a.layers - (m["layers"] - m["shared"])))
    blocks = Blocks(a.seed)
    unfinished = a.out + ".part"
    w = GGUFWriter(unfinished, "gemma4")
    add_metadata(w, a.variant, m, a.type, a.tokenizer)
    listed = list(tensors(m, a.type))
    for name, shape, kind in listed:
        weights, block_bytes = BLOCK[kind]
        row = shape[-1] // weights * block_bytes
        w.add_tensor_info(name, (*shape[:-1], row), np.dtype(np.uint8), int(np.prod(shape[:-1])) * row, raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_ti_data_to_file()
    out = w.fout[0]
    out.write(b"\0" * (-out.tell() % w.data_alignment))
    for name, shape, kind in listed:
        written = write_tensor(out, name, shape, kind, blocks, a.hollow)
        out.write(b"\0" * (-written % w.data_alignment))
    out.truncate(out.tell())    # where the last bytes are a hole
    w.close()
    os.replace(unfinished, a.out)
    print(f"{a.out}: {len(listed)} tensors, {os.path.getsize(a.out) / 1e9:.3f} GB", file=sys.stderr)


if __name__ == "__main__":
    main()
