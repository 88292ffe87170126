"""Makes tests/data/golden: what transformers computes for the tiny variants with generated weights.

    python make_fixtures.py [VARIANT ...]     (default: the four tiny variants, then the rope values)

README.md beside this file says what each stored array is.
"""
import contextlib
import json
import pathlib
import platform
import sys
import tempfile
from unittest import mock

import numpy as np
import safetensors
import tokenizers
import torch
import transformers
from transformers import Gemma4ForCausalLM, Gemma4ForConditionalGeneration, Gemma4TextConfig
from transformers.models.gemma4 import modeling_gemma4

import generator
import write_checkpoint as wc

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data"
GOLDEN = DATA / "golden"
VARIANTS = ("tiny_e2b", "tiny_e4b", "tiny_a4b", "tiny_d31b")
FIRST_ID, LAST_ID = 3, 1999    # text ids: no pad, eos, bos, no media markers
SEED = 1


def versions() -> dict:
    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__,
            "transformers": transformers.__version__, "tokenizers": tokenizers.__version__,
            "safetensors": safetensors.__version__, "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "attn_implementation": "sdpa", "threads": torch.get_num_threads(), "seed": SEED}


def load(folder, model_class=Gemma4ForConditionalGeneration):
    """The checkpoint's weights in float32; every stored tensor is used and none is missing."""
    attention = "sdpa"
    if model_class is Gemma4ForConditionalGeneration:    # the audio tower knows eager attention only
        attention = {"": "sdpa", "text_config": "sdpa", "vision_config": "sdpa", "audio_config": "eager"}
    model, info = model_class.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention,
                                              output_loading_info=True)
    assert model.config.get_text_config()._attn_implementation == "sdpa"
    problems = {k: sorted(v) for k, v in info.items() if v and k != "missing_keys"}
    missing = set(info["missing_keys"]) - {"lm_head.weight"}
    if problems or missing:
        raise SystemExit(f"{folder}: {problems} missing {sorted(missing)}")
    return model.eval()


def written(source: pathlib.Path, **options):
    folder = tempfile.TemporaryDirectory(prefix="gemma4_fixture_")
    wc.write_checkpoint(source, folder.name, wc.options(seed=SEED, **options))
    return folder


def save(folder: pathlib.Path, name: str, array) -> None:
    array = np.ascontiguousarray(np.asarray(array))
    np.save(folder / f"{name}.npy", array.astype(array.dtype.newbyteorder("<")))


@torch.no_grad()
def logits(model, ids) -> np.ndarray:
    return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].float().numpy()


@contextlib.contextmanager
def no_rounding_to_float32():
    """In a float64 model the norms and the router's softmax go through float32 on purpose: not here."""
    softmax = torch.nn.functional.softmax

    def norm(self, x):
        y = x * torch.pow(x.pow(2).mean(-1, keepdim=True) + self.eps, -0.5)
        return y * self.weight if self.with_scale else y

    def softmax_as_is(x, dim=-1, dtype=None):
        return softmax(x, dim=dim)

    with mock.patch.object(modeling_gemma4.Gemma4RMSNorm, "forward", norm), \
            mock.patch.object(torch.nn.functional, "softmax", softmax_as_is):
        yield


@torch.no_grad()
def greedy(model, prompt, count):
    """The most likely token, count times, each from the whole sequence, no cache; the closest decision."""
    ids, margin = list(prompt), np.inf
    for _ in range(count):
        row = logits(model, ids)[-1]
        best = np.sort(row)[-2:]
        margin = min(margin, float(best[1] - best[0]))
        ids.append(int(row.argmax()))
    return ids[len(prompt):], margin


@torch.no_grad()
def greedy_with_cache(model, prompt, count):
    out = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                         generation_config=transformers.GenerationConfig(
                             max_new_tokens=count, do_sample=False, eos_token_id=None, pad_token_id=0))
    return out[0, len(prompt):].tolist()


@torch.no_grad()
def layers(model, ids, rows):
    """Residual stream before layer 0, after each layer and after the final norm; output of each self_attn."""
    text = model.model.language_model if hasattr(model.model, "language_model") else model.model
    states, attention = [], []

    def keep(where, x):    # x [1, n, width]
        where.append(x[0, rows].numpy().copy())

    hooks = [text.layers[0].register_forward_pre_hook(lambda m, a: keep(states, a[0]))]
    for layer in text.layers:
        hooks.append(layer.register_forward_hook(lambda m, a, out: keep(states, out)))
        hooks.append(layer.self_attn.register_forward_hook(lambda m, a, out: keep(attention, out[0])))
    hooks.append(text.norm.register_forward_hook(lambda m, a, out: keep(states, out)))
    logits(model, ids)
    for hook in hooks:
        hook.remove()
    return np.stack(states), np.stack(attention)


@contextlib.contextmanager
def router_gaps(model):
    """Collects the closest choice of experts: how far the first left out is behind the last taken."""
    gaps = []

    def look(router, _, out):
        p, k = out[0].sort(-1, descending=True).values, router.config.top_k_experts
        gaps.append(float((1 - p[:, k] / p[:, k - 1]).min()))

    hooks = [m.register_forward_hook(look) for m in model.modules()
             if isinstance(m, modeling_gemma4.Gemma4TextRouter)]
    yield gaps
    for hook in hooks:
        hook.remove()


def log_sum_exp(x: np.ndarray) -> np.ndarray:
    top = x.max(-1)
    return top + np.log(np.exp(x.astype(np.float64) - top[:, None]).sum(-1))


def compare(a: np.ndarray, b: np.ndarray) -> float:
    """Largest difference as a part of the largest |b|."""
    return float(np.abs(a.astype(np.float64) - b).max() / np.abs(b).max())


def make(variant: str) -> None:
    source, target = DATA / "tiny" / variant, GOLDEN / variant
    target.mkdir(parents=True, exist_ok=True)
    window = json.loads((source / "config.json").read_text())["text_config"]["sliding_window"]
    lengths = [1, 7, window - 1, window, window + 1, 3 * window + 5, 200]
    ids = [2] + generator.tokens(f"prompt.{variant}", SEED, 199, FIRST_ID, LAST_ID + 1)
    other = [2] + generator.tokens(f"other.{variant}", SEED, 39, FIRST_ID, LAST_ID + 1)
    report = {"versions": versions(), "window": window}

    with written(source) as folder:
        model = load(folder)
        with router_gaps(model) as gaps:
            full = logits(model, ids)
        last = np.stack([logits(model, ids[:n])[-1] for n in lengths])
        prompts = [ids[:7], other]
        runs = [greedy(model, p, 64) for p in prompts]
        cached = [greedy_with_cache(model, p, 64) for p in prompts]
        states, attention = layers(model, ids[:40], [19, 39])
        prefixes = max(compare(last[k], full[n - 1]) for k, n in enumerate(lengths))
        with no_rounding_to_float32():
            model = model.double()
            model.set_experts_implementation("eager")    # the default, grouped_mm, has no float64
            exact = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].detach().numpy()
        assert exact.dtype == np.float64
        del model
    with written(source, layout="causal") as folder:
        causal = compare(logits(load(folder, Gemma4ForCausalLM), ids), full)
    rounded = {}
    for dtype in ("bf16", "f16"):
        with written(source, dtype=dtype) as folder:
            rounded[dtype] = logits(load(folder), ids[:3 * window + 5])[-1]

    save(target, "tokens", np.array(ids, dtype=np.int32))
    save(target, "lengths", np.array(lengths, dtype=np.int32))
    save(target, "last_logits", last)
    save(target, "logits_every_8th", full[::8])
    save(target, "row_max", full.max(-1))
    save(target, "row_argmax", full.argmax(-1).astype(np.int32))
    save(target, "row_log_sum_exp", log_sum_exp(full))
    save(target, "last_logits_float64", exact[[n - 1 for n in lengths]].astype(np.float32))
    for dtype, row in rounded.items():
        save(target, f"last_logits_{dtype}", row)
    save(target, "hidden_states", states)
    save(target, "attention_output", attention)
    greedy_rows = [{"prompt": p, "new_tokens": new, "smallest_margin": margin}
                   for p, (new, margin) in zip(prompts, runs)]
    (target / "greedy.json").write_text("[" + ",\n".join(json.dumps(r) for r in greedy_rows) + "]\n")
    top2 = np.sort(full, -1)[:, -2:]
    report |= {
        "largest_logit": float(np.abs(full).max()),
        "logit_std": float(full.std()),
        "soft_cap_in_use": float(np.abs(30 * np.arctanh(exact / 30)).max()),
        "float32_against_float64": compare(full, exact),
        "float32_against_float64_last_rows": compare(last, exact[[n - 1 for n in lengths]]),
        "prefix_runs_against_whole_run": prefixes,
        "causal_lm_against_conditional": causal,
        "smallest_argmax_margin": float((top2[:, 1] - top2[:, 0]).min()),
        "greedy_smallest_margins": [m for _, m in runs],
        "greedy_with_cache_agrees": [a == b for a, (b, _) in zip(cached, runs)],
        "bf16_weights_change_logits_by": compare(rounded["bf16"], last[5]),
        "f16_weights_change_logits_by": compare(rounded["f16"], last[5]),
    }
    if gaps:
        report["smallest_router_gap"] = min(gaps)
    (target / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print(variant, json.dumps({k: v for k, v in report.items() if k != "versions"}, indent=1), flush=True)


def make_rope() -> None:
    """cos, sin and inverse frequencies of the reference's own class at the real head dims."""
    target = GOLDEN / "rope"
    target.mkdir(parents=True, exist_ok=True)
    config = Gemma4TextConfig(hidden_size=1536, num_attention_heads=8, num_key_value_heads=1,
                              num_hidden_layers=5, head_dim=256, global_head_dim=512,
                              max_position_embeddings=262144,
                              layer_types=["sliding_attention"] * 4 + ["full_attention"])
    rope = modeling_gemma4.Gemma4TextRotaryEmbedding(config)
    positions = torch.tensor([[0, 1, 131071, 262143]])
    save(target, "positions", positions[0].numpy().astype(np.int64))
    for kind, short in (("sliding_attention", "sliding"), ("full_attention", "global")):
        cos, sin = rope(torch.zeros(1), positions, kind)
        save(target, f"{short}_cos", cos[0].numpy())
        save(target, f"{short}_sin", sin[0].numpy())
        save(target, f"{short}_inv_freq", getattr(rope, f"{kind}_inv_freq").numpy())
    (target / "report.json").write_text(json.dumps({"versions": versions()}, indent=1) + "\n")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or VARIANTS:
        make(wanted)
    if not sys.argv[1:]:
        make_rope()
