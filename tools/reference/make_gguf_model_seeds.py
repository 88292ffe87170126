"""Writes seeds of fuzz/fuzz_gguf_model.cpp: the smallest models and towers that a reader gets far into. Needs no package.

    python tools/reference/make_gguf_model_seeds.py
"""

import pathlib
import struct

folder = pathlib.Path(__file__).resolve().parents[2] / "fuzz/seeds/gguf_model"
KINDS = {bool: (7, "<?"), int: (4, "<I"), float: (6, "<f")}
BYTES = [f"<0x{b:02X}>" for b in range(256)]


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def value_of(value):
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    if isinstance(value, list):
        if isinstance(value[0], str):
            return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(text(v) for v in value)
        kind, form = KINDS[type(value[0])]
        return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(struct.pack(form, v) for v in value)
    kind, form = KINDS[type(value)]
    return struct.pack("<I", kind) + struct.pack(form, value)


def write(name, keys, tensors):
    """tensors: name -> (shape as in a checkpoint, type id, bytes)"""
    infos, data = b"", b""
    for key, (shape, kind, content) in tensors.items():
        data += bytes(-len(data) % 32)
        infos += text(key) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in reversed(shape))
        infos += struct.pack("<IQ", kind, len(data))
        data += content
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    out += b"".join(text(k) + value_of(v) for k, v in keys.items()) + infos
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(out + bytes(-len(out) % 32) + data)


def floats(*shape, value=0.5):
    n = 1
    for extent in shape:
        n *= extent
    return shape, 0, struct.pack("<f", value) * n


sizes = {
    "block_count": 2, "context_length": 64, "embedding_length": 64, "feed_forward_length": 64, "attention.head_count": 2,
    "attention.head_count_kv": 1, "attention.key_length": 8, "attention.value_length": 8, "attention.sliding_window": 4,
}
gemma4 = {"general.architecture": "gemma4", **{"gemma4." + k: v for k, v in sizes.items()}}
gemma4 |= {"gemma4.attention.key_length_swa": 4, "gemma4.attention.layer_norm_rms_epsilon": 1e-6,
           "gemma4.attention.sliding_window_pattern": [True, False], "general.sampling.temp": 0.5,
           "general.sampling.top_k": 64, "tokenizer.ggml.model": "gemma4",
           "tokenizer.ggml.tokens": ["<eos>", "<bos>", "H", "e", "l", "He", "ll"] + BYTES,
           "tokenizer.ggml.token_type": [3, 3, 1, 1, 1, 1, 1] + [6] * 256, "tokenizer.ggml.merges": ["H e", "l l"],
           "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.suppress_tokens": [4, 5]}
write("gemma4.gguf", gemma4, {
    "rope_freqs.weight": ((4,), 0, struct.pack("<4f", 1, 1e30, 1e30, 1e30)), "blk.0.attn_norm.weight": floats(64),
    "blk.0.attn_q.weight": ((2, 64), 40, bytes(range(72))), "blk.0.attn_q.scale": floats(1),
    "blk.1.attn_v.weight": ((4, 64), 2, bytes(144)), "blk.1.ffn_gate_exps.weight": ((2, 4, 32), 8, bytes(272)),
    "blk.1.ffn_up_exps.weight": ((2, 4, 32), 8, bytes(272)), "blk.1.ffn_up_exps.scale": floats(2),
    "v.std_bias": floats(4), "mm.a.fc.weight": floats(4, 4)})
gemma3 = {"general.architecture": "gemma3", **{"gemma3." + k: v for k, v in sizes.items()}}
gemma3 |= {"gemma3.attention.layer_norm_rms_epsilon": 1e-6, "gemma3.attention.sliding_window_pattern": 2,
           "tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": ["<eos>", "<bos>", "H", "e", "He"] + BYTES,
           "tokenizer.ggml.scores": [-1000.0, -1000.0, -1.0, -2.0, -4.0] + [0.0] * 256,
           "tokenizer.ggml.token_type": [3, 3, 1, 1, 1] + [6] * 256}
write("gemma3.gguf", gemma3, {"output_norm.weight": floats(64)})
write("towers.gguf", {"general.architecture": "clip", "clip.has_vision_encoder": True, "clip.has_audio_encoder": True,
                      "clip.vision.projector_type": "gemma4v", "clip.vision.embedding_length": 4}, {
    "v.patch_embd.weight": floats(4, 3, 16, 16), "v.blk.0.attn_q.weight": floats(4, 4),
    "v.blk.0.attn_q.input_min": floats(1), "v.std_bias": floats(4), "a.blk.0.per_dim_scale.weight": floats(4)})
