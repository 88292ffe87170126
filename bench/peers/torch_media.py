#!/usr/bin/env python3
"""How fast torch (transformers) encodes one picture or sound in bfloat16 with random weights: one JSON object.

    torch_media.py [--variant e2b] [--image 960x672 | --audio SECONDS] [--threads 2] [--repeat 3] [--dtype bf16]

The tower and its projector at the real shapes; a picture's sides are multiples of 48, and it arrives as patches, a sound as
its spectrum. encode_ms: the median of --repeat after one warm-up; prepare_ms: the extractor of features. Eyes use sdpa,
ears eager attention (transformers has no other). Needs torch and transformers 5.23 or newer.
"""

import argparse
import json
import statistics
import time

from process_memory import resident

SMALL = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=16, num_attention_heads=12,
             num_key_value_heads=12, head_dim=64, use_clipped_linears=True, standardize=False)
LARGE = dict(hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_attention_heads=16,
             num_key_value_heads=16, head_dim=72, use_clipped_linears=False, standardize=True)
VARIANTS = {"e2b": (1536, SMALL, True), "e4b": (2560, SMALL, True), "a4b": (2816, LARGE, False), "d31b": (5376, LARGE, False)}


def fill(torch, module):
    """Matrices with standard deviation 1 / sqrt(columns), bounds that cut off a little, all else 1."""
    noise = torch.randn(1048583, dtype=torch.float32)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if name.endswith(("_min", "_max")):
                value.fill_(-3.0 if name.endswith("_min") else 3.0)
            elif value.dim() < 2 or not value.is_floating_point():
                if value.is_floating_point() and "inv" not in name:
                    value.fill_(1)
            else:
                flat = value.view(-1)
                for at in range(0, len(flat), len(noise)):
                    part = flat[at:at + len(noise)]
                    part.copy_(noise[:len(part)])
                flat.mul_((value.numel() // value.shape[0]) ** -0.5 if "table" not in name else 0.5)
    return module.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", choices=VARIANTS, default="e2b")
    parser.add_argument("--image", default="960x672")
    parser.add_argument("--audio", type=float, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--dtype", choices=("bf16", "f32"), default="bf16")
    a = parser.parse_args()
    text_width, vision, has_ears = VARIANTS[a.variant]
    if a.audio and not has_ears:
        raise SystemExit(f"{a.variant} has no ears")

    import numpy as np
    import torch
    import transformers
    from transformers import Gemma4AudioConfig, Gemma4AudioFeatureExtractor, Gemma4TextConfig, Gemma4VisionConfig
    from transformers.models.gemma4 import modeling_gemma4 as reference

    torch.set_num_threads(a.threads)
    torch.manual_seed(7)
    for layer in (torch.nn.Linear, torch.nn.Embedding):
        layer.reset_parameters = lambda self: None
    transformers.PreTrainedModel.init_weights = lambda self: None
    dtype = torch.bfloat16 if a.dtype == "bf16" else torch.float32
    config = Gemma4AudioConfig() if a.audio else Gemma4VisionConfig(**vision)
    config._attn_implementation = "eager" if a.audio else "sdpa"
    tower = fill(torch, (reference.Gemma4AudioModel if a.audio else reference.Gemma4VisionModel)(config)).to(dtype)
    embed = fill(torch, reference.Gemma4MultimodalEmbedder(config, Gemma4TextConfig(hidden_size=text_width))).to(dtype)

    prepare_ms = 0.0
    random = np.random.default_rng(8)
    if a.audio:
        samples = (random.standard_normal(round(a.audio * 16000)) * 0.1).astype(np.float32)
        extractor = Gemma4AudioFeatureExtractor()
        before = time.perf_counter()
        made = extractor([samples], return_tensors="np")
        prepare_ms = 1e3 * (time.perf_counter() - before)
        features = torch.from_numpy(made["input_features"]).to(dtype)
        mask = torch.from_numpy(made["input_features_mask"])

        def encode():
            out = tower(features, mask)
            return embed(out.last_hidden_state[out.attention_mask])
    else:
        width, height = (int(side) // 16 for side in a.image.split("x"))
        patches = torch.from_numpy(random.random((1, width * height, 768), dtype=np.float32)).to(dtype)
        index = torch.arange(width * height)
        positions = torch.stack([index % width, index // width], dim=-1)[None]

        def encode():
            return embed(tower(pixel_values=patches, pixel_position_ids=positions).last_hidden_state)

    runs = []
    with torch.inference_mode():
        for _ in range(a.repeat + 1):    # the first is a warm-up
            before = time.perf_counter()
            rows = encode()
            runs.append(1e3 * (time.perf_counter() - before))
    if not torch.isfinite(rows).all():
        raise SystemExit("a soft token is not finite")
    print(json.dumps({
        "program": "transformers", "version": f"transformers {transformers.__version__}, torch {torch.__version__}",
        "variant": a.variant, "case": f"audio:{a.audio:g}" if a.audio else f"image:{a.image}", "dtype": a.dtype,
        "soft_tokens": rows.shape[0], "threads": a.threads, "repeat": a.repeat,
        "encode_ms": statistics.median(runs[1:]), "encode_runs": runs, "prepare_ms": prepare_ms,
        "root_mean_square": float(rows.float().pow(2).mean().sqrt()), "peak_resident_bytes": resident("VmHWM"),
    }))


if __name__ == "__main__":
    main()
