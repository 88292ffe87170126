#!/usr/bin/env python3
"""torch's speed (transformers) on E2B's text model in bfloat16 with random weights: one JSON object.

    torch_speed.py [--prompt 512] [--new 16] [--threads 2] [--repeat 3] [--layers 0]

The table of per-layer embeddings is cut to 1024 rows, which costs no time and saves 4.7 GB; ids stay below that. Needs
6 GB of memory, torch and transformers 5.23 or newer. --layers N: the first N layers only, to try the script.
"""

import argparse
import json
import statistics
import time

from process_memory import resident

TABLE_ROWS = 1024


def e2b(layers):
    from transformers import Gemma4TextConfig

    count = layers or 35
    shared = min(20, max(count - 10, 0)) if layers else 20
    return Gemma4TextConfig(
        vocab_size=262144, vocab_size_per_layer_input=TABLE_ROWS, hidden_size=1536, intermediate_size=6144,
        num_hidden_layers=count, num_attention_heads=8, num_key_value_heads=1, head_dim=256, global_head_dim=512,
        layer_types=["full_attention" if l % 5 == 4 or l + 1 == count else "sliding_attention" for l in range(count)],
        sliding_window=512, num_kv_shared_layers=shared, use_double_wide_mlp=True, hidden_size_per_layer_input=256,
        max_position_embeddings=131072, tie_word_embeddings=True, final_logit_softcapping=30.0,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("prompt", 512), ("new", 16), ("threads", 2), ("repeat", 3), ("layers", 0)):
        parser.add_argument("--" + name, type=int, default=default)
    a = parser.parse_args()

    import torch
    import transformers
    from transformers import Gemma4ForCausalLM

    torch.set_num_threads(a.threads)
    torch.manual_seed(4)
    torch.set_default_dtype(torch.bfloat16)
    before = time.perf_counter()
    for layer in (torch.nn.Linear, torch.nn.Embedding):    # minutes of random numbers; ours are made below
        layer.reset_parameters = lambda self: None
    transformers.PreTrainedModel.init_weights = lambda self: None
    model = Gemma4ForCausalLM(e2b(a.layers)).eval()
    model.tie_weights()
    with torch.no_grad():
        noise = torch.randn(1 << 20, dtype=torch.float32).to(torch.bfloat16)
        for p in model.parameters():
            if p.dim() < 2:
                p.fill_(1)
                continue
            flat = p.view(-1)
            for at in range(0, len(flat), len(noise)):
                part = flat[at:at + len(noise)]
                part.copy_(noise[:len(part)])
            flat.mul_(p.shape[-1] ** -0.5)
    made_s = time.perf_counter() - before
    ids = torch.randint(5, TABLE_ROWS, (1, a.prompt))

    prefill, decode = [], []
    with torch.inference_mode():
        for run in range(a.repeat + 1):    # the first is a warm-up
            before = time.perf_counter()
            out = model(ids, use_cache=True, logits_to_keep=1)
            prefill.append(a.prompt / (time.perf_counter() - before))
            if not torch.isfinite(out.logits).all():
                raise SystemExit("a logit is not finite")
            past = out.past_key_values
            following = out.logits[:, -1:].argmax(-1) % TABLE_ROWS
            before = time.perf_counter()
            for _ in range(a.new):
                out = model(following, past_key_values=past, use_cache=True, logits_to_keep=1)
                following = out.logits[:, -1:].argmax(-1) % TABLE_ROWS
            decode.append(a.new / (time.perf_counter() - before) if a.new else 0)
    print(json.dumps({
        "program": "transformers", "version": f"transformers {transformers.__version__}, torch {torch.__version__}",
        "parameters": sum(p.numel() for p in model.parameters()), "prompt_tokens": a.prompt, "new_tokens": a.new,
        "threads": a.threads, "repeat": a.repeat, "made_s": made_s,
        "prefill_tokens_per_s": statistics.median(prefill[1:]), "decode_tokens_per_s": statistics.median(decode[1:]),
        "prefill_runs": prefill, "decode_runs": decode,
        "peak_resident_bytes": resident("VmHWM"), "resident_bytes": resident("VmRSS"),
    }))


if __name__ == "__main__":
    main()
