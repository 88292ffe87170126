"""Makes tests/data/towers/vision_*: what the vision towers of transformers give for generated weights and pixels.

    python make_vision_cases.py                 the tiny variants, into tests/data/towers
    python make_vision_cases.py --real FOLDER   towers of the released widths, all rows, for
                                                tests/real/test_vision_towers.cpp (GEMMA4_VISION_CASES=FOLDER)

Weights: generator.py, seed 1. Pixels: element i of a case is (bits("pixels." + case, 1) >> 56) / 255, float32.
vision_cases.json: per case the variant, the grid of patches, which rows are stored in CASE_tower.npy and
CASE_projected.npy, and the largest magnitude and the sum of all values of both. Everything is float32 on the
CPU, eager attention; float64_error says how far that is from float64, as a share of the largest value.
"""
import argparse
import copy
import json
import pathlib

import numpy as np
import torch
from transformers import Gemma4TextConfig, Gemma4VisionConfig
from transformers.models.gemma4 import modeling_gemma4 as reference

import generator
from make_fixtures import no_rounding_to_float32

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data"
TARGET = DATA / "towers"
SEED = 1
STORED_ROWS = 6
CASES = [    # variant, columns, rows of patches: 48 x 48, 48 x 480 and 2000 x 60 pixels at various budgets
    ("tiny_e2b", 3, 3), ("tiny_e2b", 15, 156), ("tiny_e2b", 288, 6), ("tiny_e2b", 6, 9),
    ("tiny_e4b", 3, 3), ("tiny_e4b", 99, 99), ("tiny_e4b", 9, 24),
    ("tiny_a4b", 3, 3), ("tiny_a4b", 15, 156), ("tiny_a4b", 288, 6), ("tiny_a4b", 24, 27),
    ("tiny_d31b", 6, 9), ("tiny_d31b", 48, 48), ("tiny_d31b", 12, 3),
]
SMALL = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=16, num_attention_heads=12,
             num_key_value_heads=12, head_dim=64, use_clipped_linears=True, standardize=False)
LARGE = dict(hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_attention_heads=16,
             num_key_value_heads=16, head_dim=72, use_clipped_linears=False, standardize=True)
REAL = [("e2b", SMALL, 1536, 840, 3), ("e4b", SMALL, 2560, 51, 48), ("a4b", LARGE, 2816, 24, 15),
        ("d31b", LARGE, 5376, 27, 24)]


def pixels(case: str, count: int) -> np.ndarray:
    return (generator.bits("pixels." + case, SEED, 0, count * 768) >> np.uint64(56)).astype(np.float32) / np.float32(255)


def fill(module, prefix: str):
    """Every parameter and buffer of the checkpoint from the generator."""
    for name, tensor in module.state_dict().items():
        values = generator.tensor(prefix + name, list(tensor.shape), SEED)
        tensor.copy_(torch.from_numpy(np.asarray(values).reshape(tuple(tensor.shape))))
    return module.eval()


def towers(vision, text_hidden: int):
    vision._attn_implementation = "eager" if vision.hidden_size < 768 else "sdpa"
    tower = fill(reference.Gemma4VisionModel(vision), "model.vision_tower.")
    text = Gemma4TextConfig(hidden_size=text_hidden)
    return tower, fill(reference.Gemma4MultimodalEmbedder(vision, text), "model.embed_vision.")


@torch.no_grad()
def run(tower, projector, case: str, columns: int, rows: int, dtype=torch.float32):
    patches = torch.from_numpy(pixels(case, columns * rows)).reshape(1, columns * rows, 768).to(dtype)
    index = torch.arange(columns * rows)
    positions = torch.stack([index % columns, index // columns], dim=-1)[None]
    out = tower(pixel_values=patches, pixel_position_ids=positions).last_hidden_state
    return out.numpy(), projector(out).numpy()


def summary(x: np.ndarray) -> dict:
    return {"max": float(np.abs(x).max()), "sum": float(x.astype(np.float64).sum()),
            "magnitude": float(np.abs(x.astype(np.float64)).sum())}


def save(folder: pathlib.Path, name: str, x: np.ndarray) -> None:
    np.save(folder / f"vision_{name}.npy", np.ascontiguousarray(x.astype("<f4")))


def record(folder, variant, tower, projector, columns, rows, stored, exact: bool) -> dict:
    case = f"{variant}_{columns}x{rows}"
    out, projected = run(tower, projector, case, columns, rows)
    count = columns * rows // 9
    assert out.shape[0] == count
    kept = sorted({round(k * (count - 1) / max(1, stored - 1)) for k in range(stored)})
    row = {"case": case, "variant": variant, "columns": columns, "rows": rows, "stored": kept,
           "tower": summary(out), "projected": summary(projected)}
    if exact:
        with no_rounding_to_float32():
            wide = [copy.deepcopy(m).double() for m in (tower, projector)]
            wide[0].pooler = tower.pooler
            precise = run(*wide, case, columns, rows, torch.float64)
        row["float64_error"] = [float(np.abs(a - b).max() / np.abs(b).max())
                                for a, b in zip((out, projected), precise)]
    save(folder, case + "_tower", out[kept])
    save(folder, case + "_projected", projected[kept])
    print(row, flush=True)
    return row


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--real", type=pathlib.Path)
    o = p.parse_args()
    folder = o.real or TARGET
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    if o.real:
        for name, vision, text_hidden, columns, height in REAL:
            made = towers(Gemma4VisionConfig(**vision), text_hidden)
            rows.append(record(folder, name, *made, columns, height, columns * height // 9, False))
    else:
        for variant in dict.fromkeys(c[0] for c in CASES):
            config = json.loads((DATA / "tiny" / variant / "config.json").read_text())
            made = towers(Gemma4VisionConfig(**config["vision_config"]), config["text_config"]["hidden_size"])
            for columns, height in (c[1:] for c in CASES if c[0] == variant):
                small = columns * height < 3000
                rows.append(record(folder, variant, *made, columns, height, STORED_ROWS, small))
    text = ",\n".join(json.dumps(row) for row in rows)
    (folder / "vision_cases.json").write_text("[\n" + text + "\n]\n")


if __name__ == "__main__":
    main()
