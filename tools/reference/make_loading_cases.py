"""tests/data/field/loading.json: what transformers makes of models/nano saved in other ways.

    OMP_NUM_THREADS=1 python make_loading_cases.py        # from tools/reference; torch, transformers 5.24, safetensors

Each case changes names, head or configuration of models/nano; the file holds, for the prompt TOKENS, some logits of its last
position (columns IDS) where transformers loads every weight, or null where it would leave some newly initialised or refuses.
Greedy continuations with a repetition penalty are there as well. tests/field/test_loading.cpp makes the same changes.
"""
import copy, json, os, shutil, tempfile
import torch, transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GenerationConfig

HERE = os.path.dirname(os.path.abspath(__file__))
NANO = os.path.join(HERE, "..", "..", "models", "nano")
OUT = os.path.join(HERE, "..", "..", "tests", "data", "field", "loading.json")
TOKENS = [2, 105, 160, 107, 998, 164, 170, 1436, 955, 35, 106, 107, 105, 158, 107]
IDS = [0, 1, 35, 106, 107, 160, 164, 194, 600, 731, 955, 998, 1024, 1436, 2046, 2047]
PREFIX = "model.language_model."


def text_only(c):
    text = dict(c["text_config"], architectures=["Gemma4ForCausalLM"], dtype="bfloat16")
    c.clear()
    c.update(text)


def change(prefix=PREFIX, text=False, head=None, head_name="lm_head.weight", tied=None, drop_table=False, **fields):
    """prefix: of the text model; head: None, "same", "rolled" (row i is row i + 1 of the embedding); tied: (top level, text_config)."""
    def apply(w, c):
        table = w[PREFIX + "embed_tokens.weight"]
        for name in list(w):
            w[name.replace(PREFIX, prefix, 1)] = w.pop(name)
        if head:
            w[head_name] = {"same": lambda: table, "same_f32": table.float, "rolled": lambda: table.roll(-1, 0)}[head]().clone()
        if drop_table:
            del w[prefix + "embed_tokens.weight"]
        for key, value in fields.items():
            c["text_config"][key] = value
        if tied is not None:
            for where, value in zip((c, c["text_config"]), tied):
                where.pop("tie_word_embeddings")
                if value is not None:
                    where["tie_word_embeddings"] = value
        if text:
            text_only(c)
    return apply


CASES = {
    "plain": change(),
    "head same": change(head="same"),
    "head same in float32": change(head="same_f32"),
    "head of its own": change(head="rolled"),
    "model.lm_head of its own": change(head="rolled", head_name="model.lm_head.weight"),
    "head only": change(head="same", drop_table=True),
    "untied": change(head="rolled", tied=(False, False)),
    "untied without a head": change(tied=(False, False)),
    "untied in text_config only": change(tied=(None, False)),
    "untied in text_config only, tied above": change(tied=(True, False)),
    "language_model.": change("language_model."),
    "language_model. with a head of its own": change("language_model.", head="rolled"),
    "model.model.language_model.": change("model.model.language_model."),
    "model.language_model.model.": change("model.language_model.model."),
    "language_model.model.model.": change("language_model.model.model."),
    "language_model.model.": change("language_model.model."),
    "": change(""),
    "module.model.language_model.": change("module.model.language_model."),
    "base_model.model.model.language_model.": change("base_model.model.model.language_model."),
    "text: model.": change("model.", text=True),
    "text: ": change("", text=True),
    "text: with a head of its own": change("", text=True, head="rolled"),
    "text: model.model.": change("model.model.", text=True),
    "text: language_model.": change("language_model.", text=True),
    "text: language_model.model.": change("language_model.model.", text=True),
    "max_position_embeddings 10": change(max_position_embeddings=10),
    "max_position_embeddings 8192": change(max_position_embeddings=8192),
    "last layer sliding": change(layer_types=["sliding_attention", "sliding_attention", "full_attention"] + ["sliding_attention"] * 3),
    "attn_logit_softcapping": change(attn_logit_softcapping=50.0, query_pre_attn_scalar=7, attention_dropout=0.5, hidden_act="silu"),
}


def load(folder):
    model, report = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    return None if report["missing_keys"] else model


def main():
    transformers.logging.set_verbosity_error()
    weights, config = load_file(NANO + "/model.safetensors"), json.load(open(NANO + "/config.json"))
    rows = {}
    for name, apply in CASES.items():
        w, c, folder = dict(weights), copy.deepcopy(config), tempfile.mkdtemp()
        apply(w, c)
        json.dump(c, open(folder + "/config.json", "w"))
        save_file({k: v.clone().contiguous() for k, v in w.items()}, folder + "/model.safetensors", metadata={"format": "pt"})
        model = load(folder)
        with torch.no_grad():
            rows[name] = None if model is None else model(torch.tensor([TOKENS])).logits[0, -1, IDS].tolist()
        shutil.rmtree(folder)
        print(name, rows[name] and rows[name][:3])
    model, penalties = load(NANO), {}
    for penalty in (1.0, 1.25, 1e6):
        model.generation_config = GenerationConfig(repetition_penalty=penalty, max_new_tokens=24, eos_token_id=1, do_sample=False)
        penalties[str(penalty)] = model.generate(torch.tensor([TOKENS]))[0, len(TOKENS):].tolist()
        print(penalty, penalties[str(penalty)])
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    json.dump({"transformers": transformers.__version__, "tokens": TOKENS, "ids": IDS, "logits": rows, "greedy": penalties},
              open(OUT, "w"), indent=1)


main()
