"""Writes tests/data/formats/NAME.blocks and NAME.floats: blocks of every weight format and what the Python package `gguf`
makes of them (gguf == 0.19.0, numpy).

    python tools/reference/make_format_cases.py

Blocks are random bytes. Their binary16 fields are finite and go through zero, minus zero, the smallest and the largest
numbers; the exponents of MXFP4 stay where no weight overflows. The first blocks are all zeros and all ones besides.
"""

import importlib.metadata
import pathlib

import gguf
import numpy as np
from gguf.quants import dequantize

target = pathlib.Path(__file__).resolve().parents[2] / "tests/data/formats"

# Offsets of the binary16 fields of a block.
HALVES = {
    "F16": [0], "BF16": [], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82],
    "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "MXFP4": [], "NVFP4": [],
}
EXTREMES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF, 0x3C00, 0xBC00]

assert importlib.metadata.version("gguf") == "0.19.0"
target.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(20240404)
total = 0
for name, halves in HALVES.items():
    kind = gguf.GGMLQuantizationType[name]
    weights, size = gguf.GGML_QUANT_SIZES[kind]
    count = {1: 512, 32: 48, 64: 32, 256: 14}[weights]
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    blocks[0] = 0
    blocks[1] = 255
    for at in halves:
        bits = rng.integers(0, 0x10000, count, dtype=np.uint16)
        bits[(bits & 0x7C00) == 0x7C00] ^= 0x0400
        n = min(count, len(EXTREMES))
        bits[:n] = np.roll(EXTREMES, -at)[:n]
        blocks[:, at : at + 2] = bits.reshape(-1, 1).view(np.uint8)
    if name == "BF16":
        words = blocks.view(np.uint16)
        words[(words & 0x7F80) == 0x7F80] ^= 0x0080
    if name == "MXFP4":
        blocks[:, 0] = rng.integers(0, 251, count)
        blocks[:4, 0] = [0, 1, 2, 250]
    if name == "NVFP4":
        blocks[2:6, :4] = [[0, 1, 7, 8], [0x7E, 0x7F, 0x80, 0xFF], [0x78, 0x38, 0x40, 0x0F], [0x87, 0xFE, 0x10, 0x77]]
    floats = dequantize(blocks, kind).astype(np.float32)
    assert floats.shape == (count, weights) and np.isfinite(floats).all(), name
    blocks.tofile(target / f"{name}.blocks")
    floats.tofile(target / f"{name}.floats")
    total += blocks.nbytes + floats.nbytes
print(f"{len(HALVES)} formats, {total} bytes")
