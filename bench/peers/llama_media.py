#!/usr/bin/env python3
"""How fast llama.cpp's mtmd encodes one picture or sound, through llama-cpp-python's low-level API: one JSON object.

    llama_media.py MODEL MMPROJ [--image 960x672 | --audio SECONDS] [--threads 2] [--repeat 3] [--flash auto]

MODEL is the text model that the projector file belongs to (its weights are not used; mtmd compares widths). The picture and
the sound are pseudo-random. encode_ms: mtmd_encode_chunk, the median of --repeat after one warm-up; prepare_ms: mtmd_tokenize,
which resizes and cuts, or makes the spectrum.

Needs llama-cpp-python 0.3.36 built with mtmd (its default; without -DLLAVA_BUILD=OFF), see README.md.
"""

import argparse
import ctypes
import json
import os
import statistics
import sys
import time

import numpy as np
from process_memory import resident


def medium(mtmd, a):
    """A bitmap of mtmd, what it is called, and what it is made of (to keep it alive)."""
    random = np.random.default_rng(6)
    if a.audio:
        samples = (random.standard_normal(round(a.audio * 16000)) * 0.1).astype(np.float32)
        pointer = samples.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        return mtmd.mtmd_bitmap_init_from_audio(len(samples), pointer), f"audio:{a.audio:g}", samples
    width, height = (int(side) for side in a.image.split("x"))
    pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    pointer = pixels.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
    return mtmd.mtmd_bitmap_init(width, height, pointer), f"image:{a.image}", pixels


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("mmproj")
    parser.add_argument("--image", default="960x672")
    parser.add_argument("--audio", type=float, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--flash", choices=("auto", "on", "off"), default="auto")
    parser.add_argument("--out", help="keep the soft tokens in this .npy file")
    a = parser.parse_args()

    import llama_cpp
    try:
        from llama_cpp import mtmd_cpp as mtmd
    except (ImportError, OSError, FileNotFoundError) as missing:
        sys.exit(f"this llama-cpp-python was built without mtmd: {missing}")

    said = []

    @llama_cpp.llama_log_callback
    def log(level, text, data):
        said.append(text.decode(errors="replace"))

    llama_cpp.llama_log_set(log, ctypes.c_void_p(0))
    if hasattr(mtmd, "mtmd_log_set"):
        mtmd.mtmd_log_set(log, ctypes.c_void_p(0))
    if hasattr(mtmd, "mtmd_helper_log_set"):
        mtmd.mtmd_helper_log_set(log, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()

    def give_up(why):
        sys.exit("".join(said[-12:]) + why)

    wanted = llama_cpp.llama_model_default_params()
    wanted.n_gpu_layers = 0
    model = llama_cpp.llama_model_load_from_file(a.model.encode(), wanted)
    if not model:
        give_up(f"{a.model}: llama.cpp cannot load it")
    options = mtmd.mtmd_context_params_default()
    options.use_gpu = False
    options.print_timings = False
    options.warmup = False
    options.n_threads = a.threads
    options.flash_attn_type = {"auto": -1, "off": 0, "on": 1}[a.flash]
    before = time.perf_counter()
    context = mtmd.mtmd_init_from_file(a.mmproj.encode(), model, options)
    load_s = time.perf_counter() - before
    if not context:
        give_up(f"{a.mmproj}: mtmd cannot open it")

    bitmap, name, kept = medium(mtmd, a)
    marker = mtmd.mtmd_default_marker()
    text = mtmd.mtmd_input_text()
    text.text, text.add_special, text.parse_special = marker, True, True
    if hasattr(text, "text_len"):
        text.text_len = len(marker)
    bitmaps = (mtmd.mtmd_bitmap_p_ctypes * 1)(bitmap)
    prepare, encode, tokens = [], [], 0
    for _ in range(a.repeat + 1):    # the first is a warm-up
        chunks = mtmd.mtmd_input_chunks_init()
        before = time.perf_counter()
        status = mtmd.mtmd_tokenize(context, chunks, ctypes.byref(text), bitmaps, 1)
        prepare.append(1e3 * (time.perf_counter() - before))
        if status:
            give_up(f"mtmd_tokenize returned {status}")
        parts = [mtmd.mtmd_input_chunks_get(chunks, i) for i in range(mtmd.mtmd_input_chunks_size(chunks))]
        parts = [c for c in parts if mtmd.mtmd_input_chunk_get_type(c) != mtmd.MTMD_INPUT_CHUNK_TYPE_TEXT]
        if len(parts) != 1:
            give_up(f"mtmd made {len(parts)} chunks of one medium")
        tokens = mtmd.mtmd_input_chunk_get_n_tokens(parts[0])
        before = time.perf_counter()
        status = mtmd.mtmd_encode_chunk(context, parts[0])
        encode.append(1e3 * (time.perf_counter() - before))
        if status:
            give_up(f"mtmd_encode_chunk returned {status}")
        width = llama_cpp.llama_model_n_embd(model)
        rows = np.ctypeslib.as_array(mtmd.mtmd_get_output_embd(context), (tokens, width)).copy()
        if not np.isfinite(rows).all():
            give_up("a soft token is not finite")
        mtmd.mtmd_input_chunks_free(chunks)
    if a.out:
        np.save(a.out, rows)
    print(json.dumps({
        "program": "llama.cpp", "version": llama_cpp.__version__,
        "system": llama_cpp.llama_print_system_info().decode().strip(), "file": os.path.basename(a.mmproj),
        "case": name, "soft_tokens": tokens, "threads": a.threads, "repeat": a.repeat, "flash": a.flash,
        "encode_ms": statistics.median(encode[1:]), "encode_runs": encode, "prepare_ms": statistics.median(prepare[1:]),
        "load_s": load_s, "root_mean_square": float(np.sqrt((rows.astype(np.float64) ** 2).mean())),
        "peak_resident_bytes": resident("VmHWM"),
    }))
    mtmd.mtmd_free(context)


if __name__ == "__main__":
    main()
