"""Logits and what transformers' own logits processors make of them, for tests/generate.

Writes tests/data/generate/sampling.f32 (little-endian float32 rows, one after the other) and sampling.jsonl
(one case a line: the parameters, the history, and where its logits and its expected processed logits begin, in
floats).
The processors and their order come from GenerationMixin._get_logits_processor, so nothing here knows them.

Made with transformers 5.23.0, torch 2.13.0:  python tools/reference/make_sampling_cases.py
"""
import json
import pathlib
import types

import numpy as np
import torch
from transformers import GenerationConfig, GenerationMixin

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "generate"
MODEL = types.SimpleNamespace(config=types.SimpleNamespace(is_encoder_decoder=False),
                              _merge_criteria_processor_list=lambda ours, theirs: ours)
INF = float("inf")


def logits_sets():
    rng = np.random.default_rng(20240601)
    normal = (rng.standard_normal(300) * 3).astype(np.float32)
    ties = np.round(rng.standard_normal(300) * 2).astype(np.float32) / np.float32(2)
    holes = (rng.standard_normal(300) * 2).astype(np.float32)
    holes[rng.random(300) < 0.4] = -INF
    large = (rng.standard_normal(300) * 1e4).astype(np.float32)
    large[7] = 3e37    # a temperature of 0.3 must not make it infinite
    large[8] = -3e37
    near = (np.float32(30) + rng.standard_normal(300).astype(np.float32) * np.float32(1e-3)).astype(np.float32)
    flat = np.zeros(256, np.float32)
    one = np.full(300, -INF, np.float32)
    one[123] = 1.5
    signs = np.where(rng.random(300) < 0.5, np.float32(-0.0), np.float32(0.0)).astype(np.float32)
    big = (rng.standard_normal(4096) * 4).astype(np.float32)
    softcapped = (30 * np.tanh(rng.standard_normal(4096) * 12 / 30)).astype(np.float32)
    return dict(normal=normal, ties=ties, holes=holes, large=large, near=near, flat=flat, one=one, signs=signs,
                big=big, softcapped=softcapped)


PARAMETERS = [
    dict(do_sample=False, repetition_penalty=1.3),
    dict(do_sample=False, repetition_penalty=0.7, suppress_tokens=[1, 5, 255]),
    dict(temperature=0.7),
    dict(temperature=2.5, repetition_penalty=1.1),
    dict(top_k=1),
    dict(top_k=7),
    dict(top_k=64, top_p=0.95),
    dict(top_k=100000),
    dict(top_p=0.9),
    dict(top_p=0.5),
    dict(top_p=0.05),
    dict(top_p=0.0),
    dict(top_p=0.999),
    dict(min_p=0.05),
    dict(min_p=0.5),
    dict(min_p=1.0),
    dict(temperature=0.3, top_k=20, top_p=0.8, min_p=0.02, repetition_penalty=1.2),
    dict(temperature=1.7, top_k=40, top_p=0.97, min_p=0.1, suppress_tokens=[0, 3, 200], repetition_penalty=1.05),
    dict(temperature=1.3, top_p=0.92, min_p=0.01),
]
LARGE_PARAMETERS = [dict(top_k=64, top_p=0.95), dict(top_p=0.95), dict(temperature=0.8, top_p=0.7, min_p=0.003),
                    dict(temperature=1.5, top_k=1500, top_p=0.99, repetition_penalty=1.15)]


def process(logits, history, parameters):
    given = dict(do_sample=True, top_k=0)
    given.update(parameters)
    config = GenerationConfig(**given)
    if config.repetition_penalty is None:
        config.repetition_penalty = 1.0
    processors = GenerationMixin._get_logits_processor(MODEL, config, input_ids_seq_length=len(history), device="cpu")
    return given, processors(torch.tensor([history]), torch.tensor(logits)[None].clone())[0].numpy()


def main():
    rng = np.random.default_rng(7)
    rows, cases, at = [], [], 0

    def store(row):
        nonlocal at
        rows.append(row.astype("<f4"))
        at += len(row)
        return at - len(row)

    for name, logits in logits_sets().items():
        begin = store(logits)
        vocab = len(logits)
        for parameters in LARGE_PARAMETERS if vocab > 1000 else PARAMETERS:
            history = rng.integers(0, vocab, 24).tolist()
            history += history[:5]    # a token twice is penalised once
            given, expected = process(logits, history, parameters)
            assert not np.isnan(expected).any(), (name, parameters)
            cases.append(dict(logits_name=name, vocab=vocab, logits=begin, history=history,
                              expected=store(expected), **given))
    OUT.mkdir(parents=True, exist_ok=True)
    np.concatenate(rows).tofile(OUT / "sampling.f32")
    (OUT / "sampling.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    print(len(cases), "cases,", sum(f.stat().st_size for f in OUT.glob("sampling.*")), "bytes")


if __name__ == "__main__":
    main()
