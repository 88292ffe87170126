#!/usr/bin/env python3
"""How far llama.cpp's next-token distributions are from a float32 reference on the same GGUF file: one JSON object.

    gemma4 perplexity --compute exact --model FILE --file TEXT --windows 3 --kl-save ref.npy    # the reference
    gemma4 perplexity --compute fast --model FILE --file TEXT --windows 3 --kl-from ref.npy     # gemma4's divergence
    kl.py FILE TEXT ref.npy [--window 512] [--threads 2] [--kv f16]                             # llama.cpp's

The reference's rows are log-probabilities of tokens 257 to 511 of each window (perplexity's rule); windows are counted from
it. Divergence is KL(reference || llama.cpp), in nats. Needs numpy and llama-cpp-python.
"""

import argparse
import ctypes
import json

import numpy as np


def log_softmax(x):
    x = x.astype(np.float64)
    x -= x.max()
    return x - np.log(np.exp(x).sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("text")
    parser.add_argument("reference")
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kv", choices=("f16", "f32", "q8_0"), default="f16")
    a = parser.parse_args()

    import llama_cpp as llama
    quiet = llama.llama_log_callback(lambda level, text, data: None)
    llama.llama_log_set(quiet, ctypes.c_void_p(0))
    llama.llama_backend_init()
    wanted = llama.llama_model_default_params()
    wanted.n_gpu_layers = 0
    model = llama.llama_model_load_from_file(a.file.encode(), wanted)
    options = llama.llama_context_default_params()
    options.n_ctx = options.n_batch = options.n_ubatch = a.window
    options.n_threads = options.n_threads_batch = a.threads
    options.type_k = options.type_v = {"f32": 0, "f16": 1, "q8_0": 8}[a.kv]
    context = llama.llama_init_from_model(model, options)
    vocabulary = llama.llama_model_get_vocab(model)
    size = llama.llama_vocab_n_tokens(vocabulary)

    with open(a.text, "rb") as f:
        text = f.read()
    ids = (llama.llama_token * (len(text) + 2))()
    count = llama.llama_tokenize(vocabulary, text, len(text), ids, len(ids), True, False)
    bos = llama.llama_vocab_bos(vocabulary)

    reference = np.load(a.reference, mmap_mode="r")
    first = a.window // 2
    scored = a.window - 1 - first
    windows = len(reference) // scored
    if len(reference) % scored or reference.shape[1] != size or count < windows * a.window:
        raise SystemExit(f"{a.reference}: {reference.shape}, expected whole windows of {scored} rows of {size}")

    batch = llama.llama_batch_init(a.window, 0, 1)
    divergences, same, nll = [], 0, 0.0
    for w in range(windows):
        tokens = list(ids[w * a.window:(w + 1) * a.window])
        tokens[0] = bos
        llama.llama_memory_clear(llama.llama_get_memory(context), True)
        batch.n_tokens = a.window
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, i, 1, i >= first
            batch.seq_id[i][0] = 0
        if llama.llama_decode(context, batch):
            raise SystemExit("llama_decode failed")
        for i in range(scored):
            p = np.asarray(reference[w * scored + i], dtype=np.float64)
            q = log_softmax(np.ctypeslib.as_array(llama.llama_get_logits_ith(context, first + i), (size,)))
            divergences.append(float((np.exp(p) * (p - q)).sum()))
            same += int(p.argmax() == q.argmax())
            nll -= q[tokens[first + i + 1]]
    n = len(divergences)
    print(json.dumps({
        "program": "llama.cpp", "version": llama.__version__, "kv": a.kv, "windows": windows, "scored": n,
        "perplexity": float(np.exp(nll / n)),
        "kl": {"mean": float(np.mean(divergences)), "max": float(np.max(divergences)), "same_top_token": same / n},
    }))


if __name__ == "__main__":
    main()
