"""Real-width slices: tests/data/slices (configurations, tensor lists) and their outputs in golden.

    python make_slices.py [slice_e2b slice_e4b slice_a4b slice_d31b]

A few layers at the real widths, vocabulary cut to 4096, text only, weights generated and rounded to bf16,
arithmetic float32. One slice is in memory at a time (slice_a4b: 6 GB). No file with weights is written.
"""
import gc
import json
import pathlib
import resource
import sys
import time

import numpy as np
import torch
from transformers import Gemma4ForCausalLM, Gemma4TextConfig
from transformers.initialization import no_init_weights

import generator
import make_fixtures as fx

SLICES = fx.DATA / "slices"
COMMON = dict(vocab_size=4096, vocab_size_per_layer_input=4096, head_dim=256, global_head_dim=512,
              final_logit_softcapping=30.0)
SMALL = dict(sliding_window=512, max_position_embeddings=131072, hidden_size_per_layer_input=256,
             num_attention_heads=8, num_hidden_layers=6, num_kv_shared_layers=3)
LARGE = dict(sliding_window=1024, max_position_embeddings=262144, hidden_size_per_layer_input=0,
             num_hidden_layers=2, attention_k_eq_v=True, use_bidirectional_attention="vision")
WIDTHS = {
    "slice_e2b": SMALL | dict(hidden_size=1536, intermediate_size=6144, num_key_value_heads=1,
                              use_double_wide_mlp=True),
    "slice_e4b": SMALL | dict(hidden_size=2560, intermediate_size=10240, num_key_value_heads=2),
    "slice_a4b": LARGE | dict(hidden_size=2816, intermediate_size=2112, num_attention_heads=16,
                              num_key_value_heads=8, num_global_key_value_heads=2, enable_moe_block=True,
                              num_experts=128, top_k_experts=8, moe_intermediate_size=704),
    "slice_d31b": LARGE | dict(hidden_size=5376, intermediate_size=21504, num_attention_heads=32,
                               num_key_value_heads=16, num_global_key_value_heads=4),
}


def config_of(name: str) -> Gemma4TextConfig:
    width = WIDTHS[name]
    every = 3 if width["num_hidden_layers"] == 6 else 2
    types = ["full_attention" if (i + 1) % every == 0 else "sliding_attention"
             for i in range(width["num_hidden_layers"])]
    config = Gemma4TextConfig(**COMMON, **width, layer_types=types)
    config.architectures = ["Gemma4ForCausalLM"]
    config.dtype = "bfloat16"
    return config


def describe(name: str) -> None:
    folder = SLICES / name
    folder.mkdir(parents=True, exist_ok=True)
    config = config_of(name)
    (folder / "config.json").write_text(config.to_json_string(use_diff=True))
    with torch.device("meta"):
        model = Gemma4ForCausalLM(config)
    rows = [[n, list(t.shape)] for n, t in model.state_dict().items() if n != "lm_head.weight"]
    (folder / "tensors.json").write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")


@torch.no_grad()
def build(name: str):
    config = Gemma4TextConfig.from_pretrained(SLICES / name)    # as a reader of config.json would have it
    config.dtype = "float32"
    config._attn_implementation = "sdpa"
    with no_init_weights():
        model = Gemma4ForCausalLM(config).eval()
    model.tie_weights()
    shapes = dict(json.loads((SLICES / name / "tensors.json").read_text()))
    for tensor_name, tensor in model.state_dict().items():
        if tensor_name == "lm_head.weight":
            continue
        flat, first = tensor.view(-1), 0
        assert tensor.dtype == torch.float32 and list(tensor.shape) == shapes.pop(tensor_name)
        for chunk in generator.chunks(tensor_name, list(tensor.shape), fx.SEED):
            flat[first:first + chunk.size] = torch.from_numpy(chunk).bfloat16().float()
            first += chunk.size
    assert not shapes and model.lm_head.weight is model.model.embed_tokens.weight
    return model


def make(name: str) -> None:
    begin = time.time()
    describe(name)
    target = fx.GOLDEN / name
    target.mkdir(parents=True, exist_ok=True)
    model = build(name)
    parameters = sum(p.numel() for p in model.parameters())
    print(name, parameters, "parameters in", round(time.time() - begin), "s", flush=True)
    window = model.config.sliding_window
    lengths = [1, window + 1, 3 * window + 5 if window <= 512 else 1100]
    ids = [2] + generator.tokens(f"prompt.{name}", fx.SEED, lengths[-1] - 1, 3, 4096)
    last, largest, all_gaps = [], 0.0, []
    for n in lengths:
        with fx.router_gaps(model) as gaps:
            full = fx.logits(model, ids[:n])
        all_gaps += gaps
        last.append(full[-1])
        largest = max(largest, float(np.abs(full).max()))
        top2 = np.sort(full, -1)[:, -2:]
        fx.save(target, f"row_argmax_{n}", full.argmax(-1).astype(np.int32))
        fx.save(target, f"row_margin_{n}", top2[:, 1] - top2[:, 0])
        print(name, n, "tokens at", round(time.time() - begin), "s", flush=True)
    fx.save(target, "tokens", np.array(ids, dtype=np.int32))
    fx.save(target, "lengths", np.array(lengths, dtype=np.int32))
    fx.save(target, "last_logits", np.stack(last))
    prompt = ids[:24]
    new, margin = fx.greedy(model, prompt, 16)
    (target / "greedy.json").write_text(
        json.dumps([{"prompt": prompt, "new_tokens": new, "smallest_margin": margin}]) + "\n")
    report = {"versions": fx.versions(), "parameters": parameters, "largest_logit": largest,
              "greedy_smallest_margin": margin,
              "experts_implementation": str(getattr(model.config, "_experts_implementation", None))}
    if all_gaps:
        report["smallest_router_gap"] = min(all_gaps)
    if parameters < 700_000_000:
        before = fx.logits(model, ids[:window + 1])
        with fx.no_rounding_to_float32(), torch.no_grad():
            model = model.double()
            exact = model(input_ids=torch.tensor([ids[:window + 1]]), use_cache=False).logits[0].numpy()
        report["float32_against_float64"] = fx.compare(before, exact)
        report["float32_against_float64_last_row"] = fx.compare(before[-1], exact[-1])
    report["peak_resident_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    report["seconds"] = round(time.time() - begin)
    (target / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print(name, json.dumps({k: v for k, v in report.items() if k != "versions"}), flush=True)
    del model
    gc.collect()


if __name__ == "__main__":
    for wanted in sys.argv[1:] or WIDTHS:
        make(wanted)
