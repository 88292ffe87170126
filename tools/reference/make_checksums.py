"""Makes tests/data/checkpoints.json, which tests/support/test_checkpoint_writer.cpp reads."""
import json
import pathlib
import tempfile
import zlib

import write_checkpoint as wc

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data"
CASES = [
    ("tiny/tiny_e2b", {}),
    ("tiny/tiny_e2b", dict(dtype="bf16", shards=3, leftover_kv=True, lm_head="tied")),
    ("tiny/tiny_e4b", dict(dtype="f16", layout="causal", leftover_kv=True)),
    ("tiny/tiny_e4b", dict(towers=False, seed=12345678901234567890)),
    ("tiny/tiny_a4b", dict(shards=4, lm_head="separate")),
    ("tiny/tiny_a4b", dict(dtype="bf16", layout="causal", config="config_causal_lm.json")),
    ("tiny/tiny_d31b", dict(dtype="f16", config="config_resaved.json")),
    ("tiny/tiny_d31b", dict(layout="causal", shards=2, dtype="bf16")),
    ("tiny/tiny_e2b", dict(towers=False, extra=[["model.language_model.rotary_emb.inv_freq", [16]],
                                                ["model.unknown.weight", [3, 5]]])),
]

rows = []
for source, changes in CASES:
    o = wc.options(**changes)
    with tempfile.TemporaryDirectory() as folder:
        wc.write_checkpoint(DATA / source, folder, o)
        files = sorted(pathlib.Path(folder).iterdir())
        rows.append({"source": source, "options": vars(o),
                     "crc32": {f.name: zlib.crc32(f.read_bytes()) for f in files if f.name != "config.json"},
                     "config": json.loads((pathlib.Path(folder) / "config.json").read_text())})
(DATA / "checkpoints.json").write_text("[" + ",\n".join(wc.compact(r) for r in rows) + "]\n")
