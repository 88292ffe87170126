"""Makes tests/data/tiny from the spelled-out configurations: python make_tiny.py SPEC_FOLDER

Copies the json files; asks transformers for the names and shapes of all tensors (tensors.json; tied lm_head
left out) and for the way it spells the same configuration when it saves it (config_resaved.json,
config_causal_lm.json).
"""
import json
import pathlib
import shutil
import sys

import torch
from transformers import Gemma4Config, Gemma4ForCausalLM, Gemma4ForConditionalGeneration

TINY = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "tiny"
VARIANTS = ("tiny_e2b", "tiny_e4b", "tiny_a4b", "tiny_d31b")


def dump_tensors(path: pathlib.Path, model) -> None:
    rows = [[n, list(t.shape)] for n, t in model.state_dict().items() if n != "lm_head.weight"]
    path.write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")


def saved_config(model_class, config) -> str:
    """The config.json that save_pretrained writes."""
    config = type(config).from_dict(config.to_dict())
    config.architectures = [model_class.__name__]
    config.dtype = "float32"
    return config.to_json_string(use_diff=True)


def main(spec: pathlib.Path) -> None:
    shutil.copyfile(spec / "tokenizer.json", TINY / "tokenizer.json")
    for variant in VARIANTS:
        folder = TINY / variant
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("config", "generation_config", "processor_config", "tokenizer_config"):
            shutil.copyfile(spec / variant / f"{name}.json", folder / f"{name}.json")
        # base models: without a chat template, and no stop token that ends a turn
        generation = json.loads((folder / "generation_config.json").read_text()) | {"eos_token_id": [1]}
        (folder / "generation_config.json").write_text(json.dumps(generation, indent=1))
        config = Gemma4Config(**json.loads((folder / "config.json").read_text()))
        with torch.device("meta"):
            dump_tensors(folder / "tensors.json", Gemma4ForConditionalGeneration(config))
        (folder / "config_resaved.json").write_text(saved_config(Gemma4ForConditionalGeneration, config))
        (folder / "config_causal_lm.json").write_text(saved_config(Gemma4ForCausalLM, config.text_config))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
