"""Writes with the Python package `gguf` (0.19.0): tests/data/io/reference.gguf, which test_gguf.cpp reads back, and seeds of
fuzz/fuzz_gguf.cpp.

    python tools/reference/make_gguf_file.py
"""

import pathlib

import gguf
import numpy as np

root = pathlib.Path(__file__).resolve().parents[2]
BYTES = [f"<0x{b:02X}>" for b in range(256)]


def write(path, architecture, fill):
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    fill(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def reference(w):
    w.add_uint8("t.u8", 200)
    w.add_int8("t.i8", -100)
    w.add_uint16("t.u16", 60000)
    w.add_int16("t.i16", -30000)
    w.add_uint32("t.u32", 4000000000)
    w.add_int32("t.i32", -2000000000)
    w.add_uint64("t.u64", 1 << 60)
    w.add_int64("t.i64", -(1 << 60))
    w.add_float32("t.f32", 0.5)
    w.add_float64("t.f64", -0.25)
    w.add_bool("t.bool", True)
    w.add_string("t.string", "sm\u00f6rg\u00e5s")
    w.add_array("t.ints", [1, -2, 3])
    w.add_array("t.floats", [0.5, 1.5])
    w.add_array("t.bools", [True, False])
    w.add_array("t.strings", ["a", "", "b c"])
    w.add_tensor("f32", np.arange(6, dtype=np.float32).reshape(2, 3) - 2.5)
    w.add_tensor("f16", np.arange(8, dtype=np.float16))
    data = (np.arange(128, dtype=np.float32).reshape(2, 64) - 64) / 64
    for kind in (gguf.GGMLQuantizationType.Q8_0, gguf.GGMLQuantizationType.Q4_0, gguf.GGMLQuantizationType.BF16):
        w.add_tensor(kind.name.lower(), gguf.quants.quantize(data, kind), raw_dtype=kind)


def config(w):
    w.add_uint32("gemma4.block_count", 2)
    for key, value in {
        "context_length": 64, "embedding_length": 32, "feed_forward_length": 32, "attention.head_count": 2,
        "attention.head_count_kv": 1, "attention.key_length": 8, "attention.key_length_swa": 4,
        "attention.sliding_window": 4, "embedding_length_per_layer_input": 0, "attention.shared_kv_layers": 0,
    }.items():
        w.add_uint32("gemma4." + key, value)
    w.add_array("gemma4.attention.sliding_window_pattern", [True, False])
    w.add_float32("gemma4.attention.layer_norm_rms_epsilon", 1e-6)
    w.add_tensor("rope_freqs.weight", np.array([1, 1e30, 1e30, 1e30], dtype=np.float32))
    w.add_tensor("blk.1.attn_v.weight", np.zeros((4, 32), dtype=np.float32))


def byte_pairs(w):
    w.add_tokenizer_model("gemma4")
    w.add_token_list(["<eos>", "<bos>", "H", "e", "l", "He", "ll"] + BYTES)
    w.add_token_types([3, 3, 1, 1, 1, 1, 1] + [6] * 256)
    w.add_token_merges(["H e", "l l"])
    w.add_bos_token_id(1)


def scores(w):
    w.add_tokenizer_model("llama")
    w.add_token_list(["<eos>", "<bos>", "H", "e", "l", "He", "ll"] + BYTES)
    w.add_token_scores([-1000.0, -1000.0, -1.0, -2.0, -3.0, -4.0, -5.0] + [0.0] * 256)
    w.add_token_types([3, 3, 1, 1, 1, 1, 4] + [6] * 256)
    w.add_add_space_prefix(True)


write(root / "tests/data/io/reference.gguf", "test", reference)
for fill, architecture in ((reference, "test"), (config, "gemma4"), (byte_pairs, "gemma4"), (scores, "gemma3")):
    write(root / f"fuzz/seeds/gguf/{fill.__name__}.gguf", architecture, fill)
