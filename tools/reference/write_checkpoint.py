"""Writes a checkpoint folder of generated weights: the same bytes as tests/support/checkpoint_writer.hpp.

    python write_checkpoint.py SOURCE TARGET [--dtype f32|bf16|f16] [--seed N] [--layout conditional|causal]
                               [--shards N] [--no-towers] [--leftover-kv] [--lm-head none|tied|separate]
                               [--config config.json] [--extra NAME=2,3 ...]

SOURCE is a folder of tests/data/tiny or tests/data/slices: config.json, tensors.json ([[name, shape], ...]).
"""
import argparse
import json
import math
import pathlib
import shutil
import struct

import generator

WORDS = {"f32": ("F32", 4, "float32"), "bf16": ("BF16", 2, "bfloat16"), "f16": ("F16", 2, "float16")}
RELEASED = "model.language_model."
TOWERS = ("model.vision_tower.", "model.audio_tower.", "model.embed_vision.", "model.embed_audio.")
COPIED = ("generation_config.json", "processor_config.json", "tokenizer_config.json", "chat_template.jinja",
          "tokenizer.json")


def compact(value) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def leftover_kv(tensors: list) -> list:
    """k and v that released files still carry for KV-shared layers, shaped as in the layer they read."""
    shapes = {name: shape for name, shape in tensors}
    like, extra, layer = {}, [], 0
    while True:
        at = next((p + f"layers.{layer}.self_attn." for p in (RELEASED, "model.")
                   if p + f"layers.{layer}.self_attn.q_proj.weight" in shapes), None)
        if at is None:
            return extra
        q = tuple(shapes[at + "q_proj.weight"])
        if at + "k_proj.weight" in shapes:
            like[q] = at
        else:
            for part in ("k_norm.weight", "k_proj.weight", "v_proj.weight"):
                if like[q] + part in shapes:
                    extra.append([at + part, shapes[like[q] + part]])
        layer += 1


def layout(tensors: list, o) -> list:
    """(stored name, shape, name whose values are stored), in the order of the file."""
    rows = [list(t) for t in tensors]
    if o.leftover_kv:
        rows += leftover_kv(tensors)
    if not o.towers or o.layout == "causal":
        rows = [t for t in rows if not t[0].startswith(TOWERS)]
    rows = [[name, shape, name] for name, shape in rows]
    if o.lm_head != "none":
        table = next(t for t in rows if t[0].endswith("embed_tokens.weight"))
        rows.append(["lm_head.weight", table[1], table[0] if o.lm_head == "tied" else "lm_head.weight"])
    rows += [[name, shape, name] for name, shape in o.extra]
    if o.layout == "causal":
        for row in rows:
            row[0] = generator.canonical(row[0])
    return rows


def config_for(config: dict, o) -> dict:
    if o.layout == "causal" and "text_config" in config:
        config = {"architectures": ["Gemma4ForCausalLM"]} | config["text_config"]
    elif not o.towers and "text_config" in config:
        config |= {"vision_config": None, "audio_config": None}
    config["dtype"] = WORDS[o.dtype][2]
    return config


def write_file(path: pathlib.Path, rows: list, dtype: str, seed: int) -> None:
    word, width, _ = WORDS[dtype]
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, shape, _ in rows:
        size = math.prod(shape) * width
        header[name] = {"dtype": word, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = compact(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for _, shape, value_name in rows:
            for chunk in generator.chunks(value_name, shape, seed):
                out.write(generator.encode(chunk, word))


def write_checkpoint(source, target, o) -> None:
    source, target = pathlib.Path(source), pathlib.Path(target)
    target.mkdir(parents=True, exist_ok=True)
    config = config_for(json.loads((source / o.config).read_text()), o)
    (target / "config.json").write_text(compact(config) + "\n")
    for name in COPIED:
        for folder in (source, source.parent):
            if (folder / name).exists():
                shutil.copyfile(folder / name, target / name)
                break
    rows = layout(json.loads((source / "tensors.json").read_text()), o)
    if o.shards <= 1:
        write_file(target / "model.safetensors", rows, o.dtype, o.seed)
        return
    width = WORDS[o.dtype][1]
    total = sum(math.prod(shape) for _, shape, _ in rows) * width
    files, at = [[] for _ in range(o.shards)], 0
    for row in rows:    # a tensor goes to the shard in which its first byte falls
        files[min(at * o.shards // total, o.shards - 1)].append(row)
        at += math.prod(row[1]) * width
    names = [f"model-{k + 1:05d}-of-{o.shards:05d}.safetensors" for k in range(o.shards)]
    for name, part in zip(names, files):
        write_file(target / name, part, o.dtype, o.seed)
    where = {row[0]: name for name, part in zip(names, files) for row in part}
    (target / "model.safetensors.index.json").write_text(
        compact({"metadata": {"total_size": total}, "weight_map": where}) + "\n")


def options(**changes):
    base = dict(dtype="f32", seed=1, layout="conditional", shards=1, towers=True, leftover_kv=False,
                lm_head="none", config="config.json", extra=[])
    return argparse.Namespace(**(base | changes))


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("source")
    p.add_argument("target")
    p.add_argument("--dtype", choices=list(WORDS), default="f32")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--layout", choices=("conditional", "causal"), default="conditional")
    p.add_argument("--shards", type=int, default=1)
    p.add_argument("--no-towers", dest="towers", action="store_false")
    p.add_argument("--leftover-kv", action="store_true")
    p.add_argument("--lm-head", choices=("none", "tied", "separate"), default="none")
    p.add_argument("--config", default="config.json")
    p.add_argument("--extra", action="append", default=[], metavar="NAME=2,3")
    o = p.parse_args()
    pairs = [e.split("=") for e in o.extra]
    o.extra = [[name, [int(n) for n in dims.split(",") if n]] for name, dims in pairs]
    write_checkpoint(o.source, o.target, o)


if __name__ == "__main__":
    main()
