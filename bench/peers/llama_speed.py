#!/usr/bin/env python3
"""llama.cpp's speed on a GGUF file, through llama-cpp-python's low-level API: one JSON object.

    llama_speed.py FILE [--prompt 512] [--new 32] [--depth 0] [--threads 2] [--sequences 1] [--repeat 3] [--kv f16]

prefill: --prompt tokens from an empty cache, the last token's logits wanted. decode: after --depth more tokens, --new
tokens one after the other (greedy) in each of --sequences sequences together. Medians of --repeat runs after one short
warm-up. start_s: from calling the loader to the first token of a one-token prompt. Prompts are fixed pseudo-random ids.

Install (g++ 12.2 drops stores to the tile configuration unless told not to, see README.md):
    CMAKE_ARGS='-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF -DCMAKE_CXX_FLAGS="-fno-tree-dse -fno-dse"' pip install llama-cpp-python
"""

import argparse
import ctypes
import json
import os
import statistics
import sys
import time

from process_memory import resident


def pseudo_random_ids(count, vocab, seed):
    ids, x, mask = [], seed * 2 + 1, (1 << 64) - 1
    while len(ids) != count:
        x = (x * 6364136223846793005 + 1442695040888963407) & mask
        ids.append((x >> 33) % vocab)
    return ids


class Context:
    def __init__(self, llama, a):
        self.llama = llama
        before = time.perf_counter()
        wanted = llama.llama_model_default_params()
        wanted.n_gpu_layers = 0
        self.model = llama.llama_model_load_from_file(a.file.encode(), wanted)
        if not self.model:
            sys.exit(f"{a.file}: llama.cpp cannot load it")
        options = llama.llama_context_default_params()
        options.n_ctx = max((a.prompt + a.depth + a.new + 8) * a.sequences, 1024)
        options.n_batch = options.n_ubatch = a.batch
        options.n_seq_max = a.sequences
        options.n_threads = options.n_threads_batch = a.threads
        options.kv_unified = True
        kinds = {"f32": 0, "f16": 1, "q8_0": 8}
        options.type_k = options.type_v = kinds[a.kv]
        self.context = llama.llama_init_from_model(self.model, options)
        if not self.context:
            sys.exit(f"{a.file}: llama.cpp cannot make a context")
        self.vocab = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self.model))
        self.capacity = max(a.batch, a.sequences)
        self.batch = llama.llama_batch_init(self.capacity, 0, 1)
        self.feed([(2, 0, 0, True)])
        self.start_s = time.perf_counter() - before
        self.clear()

    def clear(self):
        self.llama.llama_memory_clear(self.llama.llama_get_memory(self.context), True)

    def feed(self, rows):
        """rows of (token, position, sequence, logits wanted), at most one batch."""
        b = self.batch
        b.n_tokens = len(rows)
        for i, (token, position, sequence, wanted) in enumerate(rows):
            b.token[i], b.pos[i], b.n_seq_id[i], b.logits[i] = token, position, 1, wanted
            b.seq_id[i][0] = sequence
        status = self.llama.llama_decode(self.context, b)
        if status:
            sys.exit(f"llama_decode returned {status}")
        self.llama.llama_synchronize(self.context)

    def prompt(self, ids, sequence, first):
        for at in range(0, len(ids), self.capacity):
            part = ids[at:at + self.capacity]
            self.feed([(token, first + at + i, sequence, at + i + 1 == len(ids)) for i, token in enumerate(part)])

    def likeliest(self, row):
        import numpy as np
        logits = np.ctypeslib.as_array(self.llama.llama_get_logits_ith(self.context, row), (self.vocab,))
        if not np.isfinite(logits).all():
            sys.exit("a logit is not finite")
        return int(logits.argmax())


def one_run(c, a, quick=False):
    """(seconds of all prompts, seconds of all decode steps)"""
    c.clear()
    new = 2 if quick else a.new
    prompt, depth = (16, 0) if quick else (a.prompt, a.depth)
    prefill_s, following = 0.0, []
    for s in range(a.sequences):
        ids = pseudo_random_ids(prompt + depth, c.vocab, s)
        before = time.perf_counter()
        c.prompt(ids[:prompt], s, 0)
        prefill_s += time.perf_counter() - before
        c.prompt(ids[prompt:], s, prompt)
        following.append(c.likeliest(-1))
    decode_s = 0.0
    for i in range(new):
        rows = [(token, prompt + depth + i, s, True) for s, token in enumerate(following)]
        before = time.perf_counter()
        c.feed(rows)
        decode_s += time.perf_counter() - before
        following = [c.likeliest(s) for s in range(a.sequences)]
    return prefill_s, decode_s


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    for name, default in (("prompt", 512), ("new", 32), ("depth", 0), ("threads", 2), ("sequences", 1), ("repeat", 3),
                          ("batch", 512)):
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--kv", choices=("f16", "f32", "q8_0"), default="f16")
    a = parser.parse_args()

    import llama_cpp
    quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    c = Context(llama_cpp, a)
    one_run(c, a, quick=True)
    prefill, decode = [], []
    for _ in range(a.repeat):
        prefill_s, decode_s = one_run(c, a)
        prefill.append(a.prompt * a.sequences / prefill_s)
        if a.new:
            decode.append(a.new * a.sequences / decode_s)
    print(json.dumps({
        "program": "llama.cpp", "version": llama_cpp.__version__,
        "system": llama_cpp.llama_print_system_info().decode().strip(),
        "file": os.path.basename(a.file), "prompt_tokens": a.prompt, "new_tokens": a.new,
        "depth": a.prompt + a.depth, "batch": a.sequences, "threads": a.threads, "kv": a.kv, "repeat": a.repeat,
        "prefill_tokens_per_s": statistics.median(prefill),
        "decode_tokens_per_s": statistics.median(decode) if decode else 0,
        "prefill_runs": prefill, "decode_runs": decode, "start_s": c.start_s,
        "peak_resident_bytes": resident("VmHWM"), "resident_bytes": resident("VmRSS"),
        "resident_anonymous_bytes": resident("RssAnon"), "resident_file_bytes": resident("RssFile"),
    }))


if __name__ == "__main__":
    main()
