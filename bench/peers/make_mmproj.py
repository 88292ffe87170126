#!/usr/bin/env python3
"""Writes the projector file (mmproj) of a Gemma 4 model with random weights at the real shapes, as llama.cpp's converter
does with --outtype f16: matrices F16; vectors, bounds, convolutions, the position table and the audio tower's
input projection F32.

    make_mmproj.py VARIANT OUT [--seed N] [--layers N]

VARIANT  e2b, e4b (eyes and ears), a4b, d31b (eyes)
OUT      the file; 1.0 GB for e2b and e4b, 1.2 GB for a4b and d31b
--layers the first N layers of each tower only, to try things (the metadata say so)

Every matrix has standard deviation 1 / sqrt(columns), gains are near 1, and the bounds of clipped linears are all
different and cut off a few of the values, so that activations stay finite and a reader that mixes up two tensors is found
out. Needs numpy and gguf (pip install gguf).
"""

import argparse
import os
import sys

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFWriter, LlamaFileType

SMALL = dict(hidden=768, layers=16, heads=12, head_dim=64, ffn=3072, clipped=True, standardised=False)
LARGE = dict(hidden=1152, layers=27, heads=16, head_dim=72, ffn=4304, clipped=False, standardised=True)
EARS = dict(hidden=1024, layers=12, heads=8, output=1536, channels=(128, 32), kernel=5)
POSITIONS, PATCH, BINS, NORM_EPS = 10240, 16, 128, 1e-6
MODELS = {    # width of the text model, eyes, ears
    "e2b": (1536, SMALL, EARS), "e4b": (2560, SMALL, EARS), "a4b": (2816, LARGE, None), "d31b": (5376, LARGE, None),
}
BOUNDS = ("input_min", "input_max", "output_min", "output_max")


def linear(name, outs, ins, clipped, kind="matrix"):
    yield name + ".weight", (outs, ins), kind
    if clipped:
        for bound in BOUNDS:
            yield f"{name}.{bound}", (1,), bound


def eyes(v, text):
    """(name, shape as in torch, kind) of every tensor."""
    h, ffn, clipped = v["hidden"], v["ffn"], v["clipped"]
    yield "v.patch_embd.weight", (h, 3, PATCH, PATCH), "matrix"
    yield "v.position_embd.weight", (2, POSITIONS, h), "table"
    if v["standardised"]:
        yield "v.std_bias", (h,), "shift"
        yield "v.std_scale", (h,), "gain"
    for l in range(v["layers"]):
        blk = f"v.blk.{l}."
        for name in ("ln1", "ln2", "attn_post_norm", "ffn_post_norm"):
            yield f"{blk}{name}.weight", (h,), "gain"
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            yield from linear(blk + name, h, h, clipped)
        for name in ("attn_q_norm", "attn_k_norm"):
            yield f"{blk}{name}.weight", (v["head_dim"],), "head gain"
        yield from linear(blk + "ffn_gate", ffn, h, clipped)
        yield from linear(blk + "ffn_up", ffn, h, clipped)
        yield from linear(blk + "ffn_down", h, ffn, clipped)
    yield "mm.input_projection.weight", (text, h), "matrix"


def ears(a, text):
    h, out, (first, second) = a["hidden"], a["output"], a["channels"]
    yield "a.conv1d.0.weight", (first, 1, 3, 3), "float matrix"
    yield "a.conv1d.0.norm.weight", (first,), "gain"
    yield "a.conv1d.1.weight", (second, first, 3, 3), "float matrix"
    yield "a.conv1d.1.norm.weight", (second,), "gain"
    yield "a.input_projection.weight", (h, BINS // 4 * second), "float matrix"
    for l in range(a["layers"]):
        blk = f"a.blk.{l}."
        for half in ("", "_1"):
            yield f"{blk}ffn_norm{half}.weight", (h,), "gain"
            yield f"{blk}ffn_post_norm{half}.weight", (h,), "gain"
            yield from linear(f"{blk}ffn_up{half}", 4 * h, h, True)
            yield from linear(f"{blk}ffn_down{half}", h, 4 * h, True)
        for name in ("attn_pre_norm", "attn_post_norm", "conv_norm", "norm_conv", "ln2"):
            yield f"{blk}{name}.weight", (h,), "gain"
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            yield from linear(blk + name, h, h, True)
        yield from linear(blk + "attn_k_rel", h, h, False)
        yield blk + "per_dim_scale.weight", (h // a["heads"],), "softplus"
        yield from linear(blk + "conv_pw1", 2 * h, h, True)
        yield from linear(blk + "conv_pw2", h, h, True)
        yield blk + "conv_dw.weight", (h, a["kernel"]), "float matrix"
    yield "a.pre_encode.out.weight", (out, h), "matrix"
    yield "a.pre_encode.out.bias", (out,), "shift"
    yield "mm.a.input_projection.weight", (text, out), "matrix"


def tensors(text, v, a):
    yield from eyes(v, text)
    if a:
        yield from ears(a, text)


class Noise:
    """Values of every kind of tensor; matrices from one stretch of random numbers of a prime length, begun anywhere."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.stretch = self.random.standard_normal(1048583, dtype=np.float32)

    def normal(self, shape, deviation):
        count = int(np.prod(shape))
        first = int(self.random.integers(0, len(self.stretch)))
        values = np.resize(np.roll(self.stretch, -first), count)
        return (values * np.float32(deviation)).reshape(shape)

    def make(self, shape, kind):
        if kind in ("matrix", "float matrix"):
            values = self.normal(shape, float(np.prod(shape[1:])) ** -0.5)
            return values.astype(np.float16) if kind == "matrix" else values
        if kind == "table":
            return self.normal(shape, 0.5)
        if kind == "gain":
            return self.random.uniform(0.8, 1.2, shape).astype(np.float32)
        if kind == "head gain":    # scores are not scaled: larger ones would make the softmax magnify every rounding
            return self.random.uniform(0.25, 0.45, shape).astype(np.float32)
        if kind == "shift":
            return self.normal(shape, 0.1)
        if kind == "softplus":    # of per_dim_scale, as the converter stores it
            return np.log1p(np.exp(self.normal(shape, 0.5)))
        bound = self.random.uniform(2.0, 3.5, shape).astype(np.float32)
        return -bound if kind.endswith("min") else bound


def add_metadata(w, variant, text, v, a):
    w.add_type("mmproj")
    w.add_name(f"gemma-4-{variant}-random")
    w.add_file_type(LlamaFileType.MOSTLY_F16)
    w.add_bool("clip.has_vision_encoder", True)
    w.add_string("clip.vision.projector_type", "gemma4v")
    for key, value in (("projection_dim", text), ("image_size", 224), ("patch_size", PATCH),
                       ("embedding_length", v["hidden"]), ("feed_forward_length", v["ffn"]),
                       ("block_count", v["layers"]), ("attention.head_count", v["heads"])):
        w.add_uint32("clip.vision." + key, value)
    w.add_array("clip.vision.image_mean", [0.0, 0.0, 0.0])
    w.add_array("clip.vision.image_std", [1.0, 1.0, 1.0])
    w.add_float32("clip.vision.attention.layer_norm_epsilon", NORM_EPS)
    if not a:
        return
    w.add_bool("clip.has_audio_encoder", True)
    w.add_string("clip.audio.projector_type", "gemma4a")
    for key, value in (("projection_dim", text), ("embedding_length", a["hidden"]),
                       ("feed_forward_length", 4 * a["hidden"]), ("block_count", a["layers"]),
                       ("attention.head_count", a["heads"]), ("num_mel_bins", BINS)):
        w.add_uint32("clip.audio." + key, value)
    w.add_float32("clip.audio.attention.layer_norm_epsilon", NORM_EPS)


def write(variant, out, seed=5, layers=None):
    text, v, a = MODELS[variant]
    if layers:
        v = dict(v, layers=layers)
        a = a and dict(a, layers=layers)
    unfinished = out + ".part"
    w = GGUFWriter(unfinished, "clip")
    add_metadata(w, variant, text, v, a)
    listed = list(tensors(text, v, a))
    for name, shape, kind in listed:
        half = kind == "matrix"
        w.add_tensor_info(name, shape, np.dtype(np.float16 if half else np.float32),
                          int(np.prod(shape)) * (2 if half else 4), raw_dtype=T.F16 if half else T.F32)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_ti_data_to_file()
    noise = Noise(seed)
    file = w.fout[0]
    file.write(b"\0" * (-file.tell() % w.data_alignment))
    for name, shape, kind in listed:
        data = np.ascontiguousarray(noise.make(shape, kind)).tobytes()
        file.write(data)
        file.write(b"\0" * (-len(data) % w.data_alignment))
    w.close()
    os.replace(unfinished, out)
    return len(listed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variant", choices=MODELS)
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--layers", type=int)
    a = parser.parse_args()
    count = write(a.variant, a.out, a.seed, a.layers)
    print(f"{a.out}: {count} tensors, {os.path.getsize(a.out) / 1e9:.3f} GB", file=sys.stderr)


if __name__ == "__main__":
    main()
