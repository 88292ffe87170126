"""Lists every tensor of a GGUF file as the Python package `gguf` (0.19.0) sees it, for tests/real/test_real_gguf.cpp.

    python tools/reference/make_gguf_rows.py FILE.gguf > rows.jsonl

Lines: {"name", "type", "shape" (contiguous extent last), "rows": [[row, hash], ...]}: FNV-1a 64 of the float32 bytes of some
dequantised rows.
"""

import json
import sys

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize


def fnv1a64(data):
    state = 0xCBF29CE484222325
    for byte in data:
        state = (state ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return state


for tensor in GGUFReader(sys.argv[1]).tensors:
    shape = [int(n) for n in reversed(tensor.shape)]
    data = tensor.data.reshape(-1, tensor.data.shape[-1])
    count = data.shape[0]
    rows = sorted({0, count - 1, count // 2, 1234 % count})
    hashes = []
    for row in rows:
        floats = dequantize(np.ascontiguousarray(data[row : row + 1]), tensor.tensor_type).astype(np.float32)
        hashes.append([row, fnv1a64(floats.tobytes())])
    print(json.dumps({"name": tensor.name, "type": tensor.tensor_type.name, "shape": shape, "rows": hashes}))
