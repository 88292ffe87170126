"""Compares `gemma4 encode` with transformers in float32 on the weights of a projector file, real widths: minutes, by hand.

    python check_mmproj.py GEMMA4 MODEL MMPROJ [--variant e2b] [--budget 280] [--seconds 10] [--limit 1e-5] [--double]
                           [--compute exact] [--weights stored]

GEMMA4: the program. MODEL: the GGUF file of the text model, MMPROJ its projector file (bench/peers/make_gguf.py --hollow
and make_mmproj.py make both with random weights). A picture that fills the budget, one with an odd shape that does not, and a
sound go through the program and through Gemma4ImageProcessorPil or Gemma4AudioFeatureExtractor, the towers and
projectors of transformers, whose tensors are those of the file, widened. Prints for every medium the largest difference as a
share of the largest value, after the tower and after the projector; exit status 1 where one exceeds --limit.
--double: transformers in float64 instead. --compute fast (with a larger --limit) shows what the fast path loses. Needs the gguf package beside requirements.txt.
"""
import argparse
import copy
import pathlib
import subprocess
import sys
import tempfile
import wave

import gguf
import numpy as np
import torch
from PIL import Image
from transformers import (Gemma4AudioConfig, Gemma4AudioFeatureExtractor, Gemma4ImageProcessorPil, Gemma4TextConfig,
                          Gemma4VisionConfig)
from transformers.models.gemma4 import modeling_gemma4 as reference

from make_fixtures import no_rounding_to_float32
from make_vision_cases import LARGE, SMALL

VARIANTS = {"e2b": (1536, SMALL), "e4b": (2560, SMALL), "a4b": (2816, LARGE), "d31b": (5376, LARGE)}
# Words of llama.cpp's converter -> words of the checkpoint, inside a layer.
EYES = {"ln1": "input_layernorm", "ln2": "pre_feedforward_layernorm", "attn_post_norm": "post_attention_layernorm",
        "ffn_post_norm": "post_feedforward_layernorm", "attn_q": "self_attn.q_proj.linear", "attn_k": "self_attn.k_proj.linear",
        "attn_v": "self_attn.v_proj.linear", "attn_out": "self_attn.o_proj.linear", "attn_q_norm": "self_attn.q_norm",
        "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj.linear", "ffn_up": "mlp.up_proj.linear",
        "ffn_down": "mlp.down_proj.linear"}
EARS = {"ffn_norm": "feed_forward1.pre_layer_norm", "ffn_post_norm": "feed_forward1.post_layer_norm",
        "ffn_up": "feed_forward1.ffw_layer_1.linear", "ffn_down": "feed_forward1.ffw_layer_2.linear",
        "ffn_norm_1": "feed_forward2.pre_layer_norm", "ffn_post_norm_1": "feed_forward2.post_layer_norm",
        "ffn_up_1": "feed_forward2.ffw_layer_1.linear", "ffn_down_1": "feed_forward2.ffw_layer_2.linear",
        "attn_pre_norm": "norm_pre_attn", "attn_post_norm": "norm_post_attn", "ln2": "norm_out",
        "attn_q": "self_attn.q_proj.linear", "attn_k": "self_attn.k_proj.linear", "attn_v": "self_attn.v_proj.linear",
        "attn_out": "self_attn.post.linear", "attn_k_rel": "self_attn.relative_k_proj",
        "conv_norm": "lconv1d.pre_layer_norm", "norm_conv": "lconv1d.conv_norm", "conv_dw": "lconv1d.depthwise_conv1d",
        "conv_pw1": "lconv1d.linear_start.linear", "conv_pw2": "lconv1d.linear_end.linear"}
FRONT = {"a.input_projection.weight": "subsample_conv_projection.input_proj_linear.weight",
         "a.pre_encode.out.weight": "output_proj.weight", "a.pre_encode.out.bias": "output_proj.bias"}
for i in (0, 1):
    FRONT[f"a.conv1d.{i}.weight"] = f"subsample_conv_projection.layer{i}.conv.weight"
    FRONT[f"a.conv1d.{i}.norm.weight"] = f"subsample_conv_projection.layer{i}.norm.weight"


def renamed(name: str, words: dict, blocks: str) -> str:
    _, _, layer, word, leaf = name.split(".")
    module = words[word]
    if leaf != "weight":    # bounds belong to the clipped linear around the matrix
        module = module.removesuffix(".linear")
    return f"{blocks}{layer}.{module}.{leaf}"


def tensors(path: str) -> dict:
    """(module, name of the checkpoint) -> float32 values."""
    found = {}
    for t in gguf.GGUFReader(path).tensors:
        values = np.array(t.data, dtype=np.float32).reshape([int(n) for n in reversed(t.shape)])
        name = t.name
        if name == "mm.input_projection.weight":
            key = ("embed_vision", "embedding_projection.weight")
        elif name == "mm.a.input_projection.weight":
            key = ("embed_audio", "embedding_projection.weight")
        elif name == "v.patch_embd.weight":    # (hidden, channel, row, column) there
            key = ("vision", "patch_embedder.input_proj.weight")
            values = values.transpose(0, 2, 3, 1).reshape(len(values), -1)
        elif name == "v.position_embd.weight":
            key = ("vision", "patch_embedder.position_embedding_table")
        elif name in ("v.std_bias", "v.std_scale"):
            key = ("vision", name[2:])
        elif name.startswith("v.blk."):
            key = ("vision", renamed(name, EYES, "encoder.layers."))
        elif name.endswith(".per_dim_scale.weight"):    # softplus was applied
            key = ("audio", f"layers.{name.split('.')[2]}.self_attn.per_dim_scale")
            wide = values.astype(np.float64)
            values = (wide + np.log(-np.expm1(-wide))).astype(np.float32)
        elif name.startswith("a.blk."):
            key = ("audio", renamed(name, EARS, "layers."))
            values = values[:, None, :] if name.endswith("conv_dw.weight") else values
        else:
            key = ("audio", FRONT[name])
        found[key] = values
    return found


def module_of(which: str, made, found: dict):
    mine = {name: torch.from_numpy(np.ascontiguousarray(v)) for (part, name), v in found.items() if part == which}
    state = made.state_dict()
    with torch.no_grad():
        for name, value in state.items():
            if name not in mine:
                sys.exit(f"{which}: the file has no {name}")
            value.copy_(mine.pop(name).reshape(value.shape))
    if mine:
        sys.exit(f"{which}: transformers has no {sorted(mine)[:3]}")
    return made.eval()


def wide(module, double: bool):
    if not double:
        return module
    made = copy.deepcopy(module).double()
    if hasattr(module, "pooler"):
        made.pooler = module.pooler
    return made


@torch.no_grad()
def see(tower, embed, picture: Image.Image, budget: int, dtype):
    made = Gemma4ImageProcessorPil(max_soft_tokens=budget)(images=[picture], return_tensors="pt")
    pixels, positions = made["pixel_values"], made["image_position_ids"]
    kept = (positions[0] >= 0).all(-1)
    out = tower(pixel_values=pixels[:, kept].to(dtype), pixel_position_ids=positions[:, kept]).last_hidden_state.to(dtype)
    return out.numpy(), embed(out).numpy()


@torch.no_grad()
def hear(tower, embed, samples: np.ndarray, dtype):
    made = Gemma4AudioFeatureExtractor()([samples], return_tensors="np")
    out = tower(torch.from_numpy(made["input_features"]).to(dtype), torch.from_numpy(made["input_features_mask"]))
    rows = out.last_hidden_state[out.attention_mask]
    return rows.numpy(), embed(rows).numpy()


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("gemma4", type=pathlib.Path)
    p.add_argument("model")
    p.add_argument("mmproj")
    p.add_argument("--variant", choices=VARIANTS, default="e2b")
    p.add_argument("--budget", type=int, default=280)
    p.add_argument("--seconds", type=float, default=10)
    p.add_argument("--limit", type=float, default=1e-5)
    p.add_argument("--double", action="store_true")
    p.add_argument("--compute", choices=("exact", "fast"), default="exact")
    p.add_argument("--weights", default="stored")
    o = p.parse_args()
    text_width, vision = VARIANTS[o.variant]
    dtype = torch.float64 if o.double else torch.float32
    found = tensors(o.mmproj)
    has_ears = any(part == "audio" for part, _ in found)
    random = np.random.default_rng(9)
    worst = 0.0

    def built(config, tower_type, which, embed_name):
        config._attn_implementation = "eager" if which == "audio" else "sdpa"
        embed = reference.Gemma4MultimodalEmbedder(config, Gemma4TextConfig(hidden_size=text_width))
        return [wide(module_of(name, m, found), o.double) for name, m in ((which, tower_type(config)), (embed_name, embed))]

    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)

        def ours(option: str, path: pathlib.Path, stage: str) -> np.ndarray:
            out = folder / "out.npy"
            subprocess.run([o.gemma4, "encode", "--model", o.model, "--mmproj", o.mmproj, option, path, "--stage", stage,
                            "--image-budget", str(o.budget), "--compute", o.compute, "--weights", o.weights, "--out", out],
                           check=True)
            return np.load(out)

        def compare(name: str, option: str, path: pathlib.Path, expected) -> None:
            nonlocal worst
            for stage, theirs in zip(("tower", "projected"), expected):
                mine = ours(option, path, stage)
                if mine.shape != theirs.shape:
                    sys.exit(f"{name}, {stage}: {mine.shape}, transformers has {theirs.shape}")
                error = float(np.abs(mine.astype(np.float64) - theirs).max() / np.abs(theirs).max())
                worst = max(worst, error)
                print(f"{name}, {stage} {mine.shape}: {error:.2e} of the largest value", flush=True)

        eyes = built(Gemma4VisionConfig(**vision), reference.Gemma4VisionModel, "vision", "embed_vision")
        rows = max(r for r in range(1, int(o.budget ** 0.5) + 1) if o.budget % r == 0)
        for width, height in ((o.budget // rows * 48, rows * 48), (211, 97)):
            noise = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
            picture = Image.fromarray(noise)
            path = folder / f"{width}x{height}.png"
            picture.save(path)
            with no_rounding_to_float32() if o.double else torch.no_grad():
                expected = see(*eyes, picture, o.budget, dtype)
            compare(f"{width} x {height}", "--image", path, expected)
        if has_ears and o.seconds:
            codes = (random.standard_normal(round(o.seconds * 16000)) * 3000).clip(-32768, 32767).astype("<i2")
            path = folder / "sound.wav"
            with wave.open(str(path), "wb") as w:
                w.setparams((1, 2, 16000, len(codes), "NONE", ""))
                w.writeframes(codes.tobytes())
            both = built(Gemma4AudioConfig(), reference.Gemma4AudioModel, "audio", "embed_audio")
            with no_rounding_to_float32() if o.double else torch.no_grad():
                expected = hear(*both, codes.astype(np.float32) / 32768, dtype)
            compare(f"{o.seconds:g} s of sound", "--audio", path, expected)
    print(f"worst {worst:.2e}, limit {o.limit:.0e}")
    sys.exit(worst > o.limit)


if __name__ == "__main__":
    main()
