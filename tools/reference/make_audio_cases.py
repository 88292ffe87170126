"""Makes tests/data/media/audio_* and tests/data/towers/audio_* with transformers: python make_audio_cases.py

media: for each case some frames of the features; the signals are made on both sides (`signal`,
tests/support/audio_signals.hpp). towers: rows of the audio tower of tiny_e2b and of its projector with the weights
of generator.py. Only the stored rows are in the .f32 files, case after case.
`--real SAMPLES OUT.f32` instead writes all rows of the audio tower of E2B (tests/data/configs/e2b.json) with generated
weights, for a comparison by hand. `--check` instead compares the token counts with the extractor for every length below 5000 and a dense sample up to
480000.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from transformers import Gemma4AudioFeatureExtractor, Gemma4Config
from transformers.models.gemma4.modeling_gemma4 import Gemma4AudioModel, Gemma4MultimodalEmbedder

import generator

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data"
SEED = 11


def signal(kind: str, count: int) -> np.ndarray:
    """float32 samples from integers and exactly rounded operations only: the same bits as audio_signals.hpp."""
    if kind == "silence":
        return np.zeros(count, np.float32)
    if kind == "constant":
        return np.ones(count, np.float32)
    i = np.arange(count, dtype=np.int64)
    bits = generator.bits("audio." + kind, SEED, 0, count)
    noise = ((bits >> np.uint64(40)).astype(np.int64) - (1 << 23)).astype(np.float64) / (1 << 23)
    if kind == "noise":
        return noise.astype(np.float32)
    saw = ((i * 37 + i * i // 4096) % 2048 - 1024).astype(np.float64) / 1024    # a rising saw
    if kind == "clipped":
        return np.clip(saw * 3, -1, 1).astype(np.float32)
    if kind == "quiet":
        return (noise / 8192).astype(np.float32)
    swell = ((i // 64) % 128).astype(np.float64) / 128
    return (saw * swell * 0.5 + noise / 64).astype(np.float32)    # "mixed"


def frame_sample(frames: int) -> list[int]:
    """Frames that are stored of a case."""
    few = sorted({0, 1, 2, frames // 3, frames // 2, frames - 2, frames - 1})
    return [f for f in few if 0 <= f < frames]


FEATURES = [("mixed", n) for n in (1, 128, 129, 160, 161, 256, 257, 320, 4000, 38560, 480000)]
FEATURES += [("silence", 16000), ("constant", 16000), ("clipped", 16000), ("noise", 16000), ("quiet", 16000)]
# (samples, narrow): with narrow bounds every clamp of an input acts, with the generator's some never do. 4000 ... 4480
# are 24 ... 27 valid frames: all remainders of 4.
TOWER = ((160, False), (161, False), (4000, False), (4160, False), (4320, False), (4480, True), (38560, True),
         (38560, False), (48000, False), (48800, False), (99360, False), (480000, False))
NARROW = 0.25    # times the bounds of inputs
ROWS = 12    # rows that are stored of a tower case


def features(kind: str, count: int):
    out = Gemma4AudioFeatureExtractor()([signal(kind, count)], return_tensors="np")
    return out["input_features"][0], out["input_features_mask"][0]


def make_features() -> None:
    rows, blob = [], []
    for kind, count in FEATURES:
        values, mask = features(kind, count)
        kept = frame_sample(len(values))
        assert mask[:mask.sum()].all()
        rows.append({"kind": kind, "samples": count, "frames": len(values), "valid": int(mask.sum()),
                     "tokens": int(mask[::2][::2].sum()), "stored": kept,
                     "largest": float(np.abs(values).max()) if len(values) else 0.0})
        blob.append(values[kept].reshape(-1))
    (DATA / "media" / "audio_features.json").write_text(
        "[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows) + "\n]\n")
    np.concatenate(blob).astype("<f4").tofile(DATA / "media" / "audio_features.f32")


def tower_of(config, narrow: bool = False):
    torch.manual_seed(0)
    config.audio_config._attn_implementation = "eager"
    tower = Gemma4AudioModel(config.audio_config).eval()
    embed = Gemma4MultimodalEmbedder(config.audio_config, config.text_config).eval()
    with torch.no_grad():
        for prefix, module in (("model.audio_tower.", tower), ("model.embed_audio.", embed)):
            for name, value in module.state_dict().items():
                value.copy_(torch.from_numpy(generator.tensor(prefix + name, list(value.shape), SEED).copy()))
                if narrow and name.endswith((".input_min", ".input_max")):
                    value.mul_(NARROW)
    return tower, embed


def run(tower, embed, kind: str, count: int):
    values, mask = features(kind, count)
    with torch.no_grad():
        out = tower(torch.from_numpy(values)[None], torch.from_numpy(mask)[None])
        rows = out.last_hidden_state[out.attention_mask]
        return rows.numpy(), embed(rows).numpy()


def make_towers() -> None:
    config = Gemma4Config(**json.loads((DATA / "tiny" / "tiny_e2b" / "config.json").read_text()))
    towers = {narrow: tower_of(config, narrow) for narrow in (False, True)}
    rows, blob = [], []
    for count, narrow in TOWER:
        tower, embed = towers[narrow]
        got, projected = run(tower, embed, "mixed", count)
        kept = sorted({int(r) for r in np.linspace(0, len(got) - 1, min(ROWS, len(got)))}) if len(got) else []
        rows.append({"samples": count, "narrow": narrow, "tokens": len(got), "stored": kept,
                     "largest": float(np.abs(got).max()) if len(got) else 0.0,
                     "largest_projected": float(np.abs(projected).max()) if len(got) else 0.0})
        for part in (got, projected):
            blob.append(part[kept].reshape(-1))
    (DATA / "towers" / "audio_tower.json").write_text(
        "[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows) + "\n]\n")
    np.concatenate(blob).astype("<f4").tofile(DATA / "towers" / "audio_tower.f32")


def check_counts() -> None:
    """frames, valid frames and tokens of media/audio_features.hpp against the extractor's mask."""
    def frames(n): return max((-(-n // 128) * 128 + 160 - 321) // 160 + 1, 0)
    def valid(n): return max((n + 160 - 321) // 160 + 1, 0)

    extractor = Gemma4AudioFeatureExtractor()
    np.fft.rfft = lambda f, n, axis: np.zeros(f.shape[:-1] + (257,), np.float32)    # the mask needs none of it
    lengths = [*range(1, 5000), *range(5000, 480001, 997), *range(479300, 480001, 7), *range(96000, 97000)]
    for n in lengths:
        mask = extractor([np.zeros(n, np.float32)])["input_features_mask"][0]
        assert len(mask) == frames(n) and mask.sum() == valid(n) and mask[:valid(n)].all(), n
        assert mask[::2][::2].sum() == -(-valid(n) // 4), n
    print(len(lengths), "lengths agree")


def make_real(count: int, path: str) -> None:
    config = Gemma4Config(**json.loads((DATA / "configs" / "e2b.json").read_text()))
    tower, embed = tower_of(config)
    rows, projected = run(tower, embed, "mixed", count)
    np.concatenate([rows.reshape(-1), projected.reshape(-1)]).astype("<f4").tofile(path)
    print(rows.shape, projected.shape)


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        check_counts()
    elif sys.argv[1:2] == ["--real"]:
        make_real(int(sys.argv[2]), sys.argv[3])
    else:
        make_features()
        make_towers()
