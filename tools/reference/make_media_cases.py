"""Makes tests/data/golden/media: logits of prompts with images, sound and video, by transformers, whole models.

    python make_media_cases.py

Checkpoints are those of write_checkpoint.py, towers included. Images and sounds are made by formula on both sides: byte i
of an image (height, width, 3) is bits("media.NAME", 1)[i] >> 56 (generator.py), sounds are make_audio_cases.signal. Images
go through Gemma4ImageProcessorPil (as PNG), sounds through Gemma4AudioFeatureExtractor; a video's frames go through the
image processor too (Gemma4VideoProcessor resizes with torchvision, the library as Pillow does). Text is expanded by
Gemma4Processor's own methods. cases.json: a line a case: ids as [[id, how many], ...], media in the order of their
placeholders, `stored` rows of the logits of VARIANT.npy (every COLUMNS-th column; rows of all cases, one after the other),
`argmax` of all rows, `largest` |logit|, 8 greedy tokens; row_log_sum_exp_VARIANT.npy has every row of every case.
A case with "joined" has no markers between its media: their soft tokens are neighbours.
"""
import io
import itertools
import json
import re
import types

import numpy as np
import torch
from PIL import Image
from transformers import (Gemma4AudioFeatureExtractor, Gemma4ImageProcessorPil, Gemma4Processor, GenerationConfig,
                          PreTrainedTokenizerFast)

import generator
from make_audio_cases import signal
from make_fixtures import DATA, GOLDEN, VARIANTS, load, log_sum_exp, versions, written

TARGET = GOLDEN / "media"
COLUMNS = 32
NEW_TOKENS = 8
LONG = "The memory plan of a page is written before the first word, and what follows it is read again. " * 5

A = {"kind": "image", "name": "a", "width": 96, "height": 64, "budget": 70}
B = {"kind": "image", "name": "b", "width": 48, "height": 480, "budget": 70}
C = {"kind": "image", "name": "c", "width": 211, "height": 97, "budget": 140}
D = {"kind": "image", "name": "d", "width": 130, "height": 120, "budget": 280}
X = {"kind": "audio", "name": "mixed", "samples": 16000}
Y = {"kind": "audio", "name": "noise", "samples": 5000}
V = {"kind": "video", "name": "v", "width": 40, "height": 30, "budget": 70, "seconds": [0.0, 1.5, 61.0]}
W = {"kind": "video", "name": "w", "width": 20, "height": 90, "budget": 70, "seconds": [3.0]}

CASES = [    # name, text, media in the order of their placeholders
    ("one", "Look: <|image|> and say what it is.", [A]),
    ("last", "What is in this picture? <|image|>", [B]),
    ("neighbours", "<|image|><|image|>Compare them.", [A, B]),
    ("three", "a<|image|>b, then <|image|> c\n<|image|> and so on.", [B, C, A]),
    ("long", LONG + "<|image|> What was that?", [D]),
    ("video", "Watch <|video|> now.", [V]),
    ("frames", "<|video|><|image|>!", [W, A]),
    ("joined", None, [A, B]),
]
SOUND = [
    ("sound", "Write down: <|audio|> please.", [X]),
    ("sounds", "<|audio|><|audio|>", [X, Y]),
    ("all", "0<|audio|>1<|image|>2<|video|>3<|audio|> 4", [Y, A, W, X]),
]
PLACEHOLDERS = re.compile(r"<\|(image|audio|video)\|>")


def pixels(name: str, width: int, height: int) -> Image.Image:
    values = (generator.bits("media." + name, 1, 0, width * height * 3) >> np.uint64(56)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(values.reshape(height, width, 3)).save(file, "PNG")
    return Image.open(io.BytesIO(file.getvalue()))


class Processor:
    """Gemma4Processor's expansion without its video processor, which needs torchvision."""

    def __init__(self):
        special = json.loads((DATA / "tiny" / "tiny_e2b" / "tokenizer_config.json").read_text())
        names = {k: v for k, v in special.items() if k.endswith("_token")}
        extra = {k: names.pop(k) for k in list(names) if k[:3] in ("ima", "boi", "eoi", "aud", "boa", "eoa")}
        self.tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(DATA / "tiny" / "tokenizer.json"),
                                                 extra_special_tokens=extra, **names)
        self.names = types.SimpleNamespace(video_token="<|video|>", **{k: getattr(self.tokenizer, k) for k in extra})
        self.sound = Gemma4AudioFeatureExtractor()

    def image(self, frame: Image.Image, budget: int):
        out = Gemma4ImageProcessorPil(max_soft_tokens=budget)([frame], return_tensors="np")
        count = int(out["num_soft_tokens_per_image"][0])
        return out["pixel_values"][0][:9 * count], out["image_position_ids"][0][:9 * count], count

    def expand(self, medium: dict, kept: dict) -> str:
        kind = medium["kind"]
        if kind == "audio":
            samples = signal(medium["name"], medium["samples"])
            kept["audio"].append(samples)
            out = self.sound([samples])
            text = Gemma4Processor.replace_audio_token(self.names, out, 0)
            medium["soft_tokens"] = [text.count("<|audio|>")]
            return text
        names = [medium["name"]] if kind == "image" else [f"{medium['name']}{i}" for i in range(len(medium["seconds"]))]
        made = [self.image(pixels(n, medium["width"], medium["height"]), medium["budget"]) for n in names]
        kept[kind] += [m[:2] for m in made]
        counts = medium["soft_tokens"] = [m[2] for m in made]
        if kind == "image":
            return Gemma4Processor.replace_image_token(self.names, {"num_soft_tokens_per_image": counts}, 0)
        kept["frames"].append(len(counts))
        meta = types.SimpleNamespace(fps=1, timestamps=medium["seconds"])
        return Gemma4Processor.replace_video_token(
            self.names, {"num_soft_tokens_per_video": [counts[0]], "video_metadata": [meta]}, 0)

    def __call__(self, text, media):
        """Ids, and what the model takes besides."""
        kept = {"image": [], "video": [], "audio": [], "frames": []}
        texts = [self.expand(m, kept) for m in media]
        if text is None:
            ids = self.tokenizer("<bos>Both: ", add_special_tokens=False)["input_ids"]
            ids += [2040] * sum(m["soft_tokens"][0] for m in media)
            ids += self.tokenizer(" are there.", add_special_tokens=False)["input_ids"]
        else:
            filled = iter(texts)
            whole = PLACEHOLDERS.sub(lambda _: next(filled), text)
            ids = self.tokenizer("<bos>" + whole, add_special_tokens=False)["input_ids"]
        given = {}
        for kind, values, positions in (("image", "pixel_values", "image_position_ids"),
                                        ("video", "pixel_values_videos", "video_position_ids")):
            if not kept[kind]:
                continue
            most = max(len(p) for p, _ in kept[kind])
            pad = [(np.pad(p, ((0, most - len(p)), (0, 0))), np.pad(at, ((0, most - len(p)), (0, 0)), constant_values=-1))
                   for p, at in kept[kind]]
            given[values] = torch.from_numpy(np.stack([p for p, _ in pad]).astype(np.float32))
            given[positions] = torch.from_numpy(np.stack([at for _, at in pad]))
        if kept["frames"]:
            given["num_frames_per_video"] = torch.tensor(kept["frames"])
        if kept["audio"]:
            out = self.sound(kept["audio"], return_tensors="pt", padding="longest")
            given["input_features"] = out["input_features"]
            given["input_features_mask"] = out["input_features_mask"]
        return ids, given


def token_types(ids) -> torch.Tensor:
    kinds = {2040: 1, 2044: 2, 2041: 3}
    return torch.tensor([[kinds.get(i, 0) for i in ids]])


@torch.no_grad()
def logits(model, ids, given) -> np.ndarray:
    return model(input_ids=torch.tensor([ids]), mm_token_type_ids=token_types(ids), use_cache=False,
                 **given).logits[0].float().numpy()


@torch.no_grad()
def greedy(model, ids, given):
    """The most likely token, NEW_TOKENS times, by the reference's own generate(); the closest decision."""
    out = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                         mm_token_type_ids=token_types(ids), return_dict_in_generate=True, output_logits=True,
                         generation_config=GenerationConfig(max_new_tokens=NEW_TOKENS, do_sample=False,
                                                            eos_token_id=None, pad_token_id=0), **given)
    margin = min(float(top[0] - top[1]) for top in (row[0].float().topk(2).values for row in out.logits))
    return out.sequences[0, len(ids):].tolist(), margin


def stored_rows(ids) -> list[int]:
    """Both ends of each run of soft tokens, their neighbours, some between, and the last row."""
    rows, soft = {0, len(ids) - 1}, [i in (2040, 2041, 2044) for i in ids]
    for i in range(1, len(ids)):
        if soft[i] != soft[i - 1]:
            rows |= {i - 1, i}
    rows |= {len(ids) // 3, len(ids) // 2, 3 * len(ids) // 4}
    return sorted(rows)


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    processor, lines = Processor(), []
    for variant in VARIANTS:
        rows, sums = [], []
        cases = CASES + (SOUND if variant in ("tiny_e2b", "tiny_e4b") else [])
        with written(DATA / "tiny" / variant) as folder:
            model = load(folder)
            for name, text, media in cases:
                media = [dict(m) for m in media]
                ids, given = processor(text, media)
                full = logits(model, ids, given)
                new, margin = greedy(model, ids, given)
                stored = stored_rows(ids)
                rows.append(full[stored, ::COLUMNS])
                sums.append(log_sum_exp(full))
                lines.append({"variant": variant, "name": name, "text": text, "media": media,
                              "ids": [[int(k), len(list(g))] for k, g in itertools.groupby(ids)], "stored": stored,
                              "largest": float(np.abs(full).max()), "greedy": new, "greedy_margin": margin,
                              "argmax": [int(i) for i in full.argmax(-1)]})
                print(variant, name, len(ids), [m["soft_tokens"] for m in media], new, margin, flush=True)
        np.save(TARGET / f"{variant}.npy", np.concatenate(rows).astype("<f4"))
        np.save(TARGET / f"row_log_sum_exp_{variant}.npy", np.concatenate(sums).astype("<f4"))
    (TARGET / "cases.json").write_text(
        "[\n" + ",\n".join(json.dumps(line, separators=(",", ":")) for line in lines) + "\n]\n")
    (TARGET / "report.json").write_text(json.dumps({"versions": versions()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
