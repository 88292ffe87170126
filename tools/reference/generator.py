"""Random weights as a function of (tensor name, index, seed): the same bits as tests/support/generator.hpp.

    bits(name, i, seed)  output i of the splitmix64 whose state starts at fnv1a64(canonical name) ^ mix(seed)
    normal(std)          float32(sum of four 16-bit pieces - 131070) * float32(std / sqrt(1431655765))
    uniform(low, width)  float32(double(float32(low)) + double(float32(width / 2^24)) * (bits >> 40))
    signed uniform       the same, negated where the lowest bit of bits is set

Only integer arithmetic and exactly rounded operations, and no product that a compiler could fuse to another
result. `python generator.py` checks the test vector in tests/data/generator.json, with --write it makes it.
"""
import json
import math
import pathlib
import sys

import numpy as np

GOLDEN_GAMMA = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1
CHUNK = 1 << 18    # elements at a time
VECTOR = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "generator.json"


def fnv1a64(data: bytes, state: int = 0xCBF29CE484222325) -> int:
    for byte in data:
        state = ((state ^ byte) * 0x100000001B3) & MASK
    return state


def mix(z: int) -> int:
    """The output function of splitmix64."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def canonical(name: str) -> str:
    """Both spellings of a text tensor give the same weights: model.language_model. counts as model."""
    prefix = "model.language_model."
    return "model." + name[len(prefix):] if name.startswith(prefix) else name


def bits(name: str, seed: int, first: int, count: int) -> np.ndarray:
    state = fnv1a64(canonical(name).encode()) ^ mix(seed & MASK)
    z = np.arange(first + 1, first + count + 1, dtype=np.uint64)
    z *= np.uint64(GOLDEN_GAMMA)
    z += np.uint64(state)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def distribution(name: str, shape) -> tuple:
    """("normal", std), ("uniform", low, width) or ("signed", low, width). The first rule that fits counts."""
    leaf = name.rsplit(".", 1)[-1]
    clip = {"input_min": (-3.5, 1.5), "input_max": (2.0, 1.5),
            "output_min": (-3.0, 1.5), "output_max": (1.5, 1.5)}
    if leaf in clip:
        return ("uniform", *clip[leaf])
    if leaf == "layer_scalar":
        return ("uniform", 0.7, 0.45)
    if leaf == "per_dim_scale":
        return ("normal", 0.7)
    if leaf == "std_bias":
        return ("normal", 1.0)
    if leaf == "std_scale":
        return ("uniform", 0.3, 1.2)
    if leaf == "per_expert_scale":
        return ("uniform", 0.4, 1.4)
    if name.endswith("router.scale"):
        return ("uniform", 0.5, 1.5)
    if name.endswith("router.proj.weight"):
        return ("normal", 1.5)
    if leaf == "position_embedding_table" or name.endswith("embed_tokens_per_layer.weight"):
        return ("normal", 0.35)
    if name.endswith("embed_tokens.weight") or name.endswith("lm_head.weight"):
        return ("normal", 1.0 / math.sqrt(shape[-1]))
    if canonical(name) == "model.norm.weight":
        return ("signed", 2.4, 3.2)
    if name.endswith("q_norm.weight") or name.endswith("k_norm.weight"):
        scale = 1.0 / math.sqrt(math.sqrt(shape[0]))
        return ("uniform", 0.6 * scale, 0.8 * scale)
    if leaf == "bias":
        return ("normal", 0.2)
    if len(shape) <= 1:
        return ("uniform", 0.6, 0.8)
    row = shape[-1] if ".experts." in name else math.prod(shape[1:])
    return ("normal", 1.1 / math.sqrt(row))


def fill(name: str, shape, seed: int, first: int, count: int) -> np.ndarray:
    """Elements first ... first + count of the tensor, row-major, float32."""
    kind, *numbers = distribution(name, shape)
    b = bits(name, seed, first, count)
    if kind == "normal":
        scale = np.float32(numbers[0] / math.sqrt(1431655765.0))
        piece = np.uint64(0xFFFF)
        total = b & piece
        total += (b >> np.uint64(16)) & piece
        total += (b >> np.uint64(32)) & piece
        total += b >> np.uint64(48)
        return (total.astype(np.int32) - np.int32(131070)).astype(np.float32) * scale
    low, step = np.float32(numbers[0]), np.float32(numbers[1] / 16777216.0)
    value = (np.float64(low) + np.float64(step) * (b >> np.uint64(40)).astype(np.float64)).astype(np.float32)
    if kind == "signed":
        value = np.where(b & np.uint64(1), -value, value)
    return value


def chunks(name: str, shape, seed: int):
    size = math.prod(shape)
    for first in range(0, size, CHUNK):
        yield fill(name, shape, seed, first, min(CHUNK, size - first))


def tensor(name: str, shape, seed: int) -> np.ndarray:
    return np.concatenate(list(chunks(name, shape, seed))).reshape(shape)


def tokens(name: str, seed: int, count: int, low: int, high: int) -> list[int]:
    """count ids in low ... high - 1: low + (bits >> 32) mod (high - low)."""
    return [low + int(x >> np.uint64(32)) % (high - low) for x in bits(name, seed, 0, count)]


def to_bf16(x: np.ndarray) -> np.ndarray:
    """Rounded to nearest even, as uint16 patterns. NaN is not handled: the generator makes none."""
    u = x.astype(np.float32).view(np.uint32)
    odd = (u >> np.uint32(16)) & np.uint32(1)
    return ((u + np.uint32(0x7FFF) + odd) >> np.uint32(16)).astype(np.uint16)


def encode(x: np.ndarray, dtype: str) -> bytes:
    """dtype is a safetensors word: F32, BF16 or F16."""
    if dtype == "BF16":
        return to_bf16(x).astype("<u2").tobytes()
    return x.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


VECTOR_TENSORS = [
    ("model.language_model.embed_tokens.weight", [2048, 96], 1),
    ("model.embed_tokens.weight", [2048, 96], 1),
    ("model.embed_tokens_per_layer.weight", [64, 480], 2),
    ("lm_head.weight", [32, 160], 1),
    ("model.language_model.norm.weight", [224], 1),
    ("model.language_model.layers.3.layer_scalar", [1], 18446744073709551615),
    ("model.language_model.layers.3.self_attn.q_norm.weight", [64], 7),
    ("model.language_model.layers.3.self_attn.k_norm.weight", [32], 7),
    ("model.language_model.layers.3.self_attn.q_proj.weight", [256, 96], 1),
    ("model.language_model.layers.3.input_layernorm.weight", [160], 1),
    ("model.language_model.layers.0.router.proj.weight", [16, 96], 1),
    ("model.language_model.layers.0.router.scale", [96], 1),
    ("model.language_model.layers.0.router.per_expert_scale", [16], 1),
    ("model.language_model.layers.0.experts.gate_up_proj", [16, 128, 96], 1),
    ("model.language_model.layers.0.experts.down_proj", [16, 96, 64], 1),
    ("model.vision_tower.patch_embedder.position_embedding_table", [2, 1024, 192], 1),
    ("model.vision_tower.std_bias", [288], 1),
    ("model.vision_tower.std_scale", [288], 1),
    ("model.vision_tower.encoder.layers.0.mlp.down_proj.linear.weight", [288, 304], 1),
    ("model.vision_tower.encoder.layers.0.mlp.down_proj.input_min", [], 1),
    ("model.vision_tower.encoder.layers.0.mlp.down_proj.input_max", [], 1),
    ("model.vision_tower.encoder.layers.0.mlp.down_proj.output_min", [], 1),
    ("model.vision_tower.encoder.layers.0.mlp.down_proj.output_max", [], 1),
    ("model.audio_tower.subsample_conv_projection.layer1.conv.weight", [16, 128, 3, 3], 1),
    ("model.audio_tower.layers.0.lconv1d.depthwise_conv1d.weight", [96, 1, 5], 1),
    ("model.audio_tower.layers.0.self_attn.per_dim_scale", [32], 1),
    ("model.audio_tower.output_proj.bias", [160], 1),
]


def make_vector() -> dict:
    rows = []
    for name, shape, seed in VECTOR_TENSORS:
        x = tensor(name, shape, seed).reshape(-1)
        probe = sorted({0, 1, 2, 3, x.size // 2, x.size - 2, x.size - 1} & set(range(x.size)))
        rows.append({
            "name": name, "shape": shape, "seed": seed, "index": probe,
            "f32_bits": [int(b) for b in x[probe].view(np.uint32)],
            "fnv1a64": {d: f"{fnv1a64(encode(x, d)):016x}" for d in ("F32", "BF16", "F16")},
        })
    return {"tensors": rows, "tokens": tokens("vector", 3, 16, 2, 2000), "rounding": rounding_vector()}


def rounding_vector() -> list:
    """[float32 bits, bf16 bits, f16 bits]: ties, subnormals, overflow; by torch (bf16) and numpy (f16)."""
    import torch
    words = [0, 1, 0x80000000, 0x7F800000, 0xFF800000, 0x7F7FFFFF, 0x7F7F8000, 0x7F7F7FFF]
    words += [0x007FFFFF, 0x00800000]
    words += [0x477FE000, 0x477FEFFF, 0x477FF000, 0x477FF001, 0x47800000, 0x33000000, 0x33000001, 0x32FFFFFF]
    words += [0x33800000, 0x33C00000, 0x387FC000, 0x387FDFFF, 0x387FE000, 0x387FEFFF, 0x387FF000]
    words += [0x38800000, 0x38801000]
    words += [0x3F800000 + k * 0x800 + d for k in range(34) for d in (-1, 0, 1)]
    words += [0x38000000 + k * 0x1000 + d for k in range(16) for d in (-1, 0, 1)]
    words += [int(b) & 0xFFFFFFFF for b in bits("rounding", 1, 0, 200)]
    words = [w for w in words if (w & 0x7FFFFFFF) <= 0x7F800000]
    x = np.array(words, dtype=np.uint32).view(np.float32)
    bf = torch.from_numpy(x.copy()).to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    with np.errstate(over="ignore"):
        half = x.astype(np.float16).view(np.uint16)
    assert (to_bf16(x) == bf).all()
    return [[int(a), int(b), int(c)] for a, b, c in zip(words, bf, half)]


def self_check() -> None:
    # Published values: the hash of nothing and of "foobar", splitmix64 of seed 1234567.
    assert fnv1a64(b"") == 0xCBF29CE484222325 and fnv1a64(b"foobar") == 0x85944171F73967E8
    first = [mix((1234567 + k * GOLDEN_GAMMA) & MASK) for k in (1, 2, 3)]
    assert first == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    for name, shape, seed in VECTOR_TENSORS[:4]:
        state = fnv1a64(canonical(name).encode()) ^ mix(seed)
        plain = [mix((state + i * GOLDEN_GAMMA) & MASK) for i in range(1, 51)]
        assert bits(name, seed, 0, 50).tolist() == plain
        assert (fill(name, shape, seed, 17, 30) == tensor(name, shape, seed).reshape(-1)[17:47]).all()
        x = tensor(name, shape, seed)
        assert abs(x.std() / distribution(name, shape)[1] - 1) < 0.05 and abs(x.mean()) < 0.05 * x.std()
    assert json.loads(VECTOR.read_text()) == make_vector()


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        rows = make_vector()
        parts = []
        for key, value in rows.items():
            lines = [json.dumps(v, separators=(",", ":")) for v in value]
            parts.append(f'"{key}": [' + (",\n" if key != "tokens" else ", ").join(lines) + "]")
        VECTOR.write_text("{" + ",\n".join(parts) + "}\n")
    self_check()
    print("generator.py: the test vector holds")
