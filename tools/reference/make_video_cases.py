"""Makes tests/data/media/video_* and tests/data/chat/media_prompt*: what transformers makes of videos and media prompts.

    python make_video_cases.py prompts TEMPLATES    TEMPLATES: the folder with canonical-small.jinja
    python make_video_cases.py videos               needs ffmpeg (the program) and torchcodec

Both need torchvision, which Gemma4VideoProcessor is written for.
media_prompts.jsonl: a line a prompt: text (or messages), media with their numbers of soft tokens as the processor counts
them, ids as [[id, how many], ...] and types as [[mm_token_type_id, first, count], ...] without type 0.
video_rules.json: timestamps and sampled indices. video_files.json, video_files.u8, video_*.{mp4,mkv,webm}: see videos().
"""
import argparse
import itertools
import json
import pathlib
import subprocess

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
STORED = [7, 31]    # of the sampled frames


def processor_of():
    from transformers import (Gemma4AudioFeatureExtractor, Gemma4ImageProcessorPil, Gemma4Processor,
                              Gemma4VideoProcessor, PreTrainedTokenizerFast)
    special = json.loads((DATA / "tiny" / "tiny_e2b" / "tokenizer_config.json").read_text())
    names = {k: v for k, v in special.items() if k.endswith("_token")}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(DATA / "tiny" / "tokenizer.json"),
                                        extra_special_tokens={k: names.pop(k) for k in list(names)
                                                              if k[:3] in ("ima", "boi", "eoi", "aud", "boa", "eoa")},
                                        **names)
    return Gemma4Processor(Gemma4AudioFeatureExtractor(), Gemma4ImageProcessorPil(), tokenizer, Gemma4VideoProcessor())


def runs(ids):
    return [[int(k), len(list(g))] for k, g in itertools.groupby(ids)]


def types(ids):
    out, at = [], 0
    for kind, group in itertools.groupby(ids):
        n = len(list(group))
        if kind:
            out.append([int(kind), at, n])
        at += n
    return out


def image(width, height):
    from PIL import Image
    return Image.new("RGB", (width, height), (width % 256, height % 256, 7))


def video(frames, width, height):
    return np.zeros((frames, height, width, 3), np.uint8)


def media_of(processor, images, audio, videos, sample):
    """What the processor counts, in the order images, sounds, videos."""
    out = []
    if images:
        for n in processor.image_processor([list(images)])["num_soft_tokens_per_image"]:
            out.append({"kind": "image", "soft_tokens": [int(n)]})
    if audio:
        features = processor.feature_extractor(audio)
        for i in range(len(audio)):
            text = processor.replace_audio_token(features, i)
            out.append({"kind": "audio", "soft_tokens": [text.count(processor.audio_token)]})
    for frames, meta in videos:
        made = processor.video_processor([frames], video_metadata=[dict(meta)], return_metadata=True,
                                         do_sample_frames=sample)
        meta = made["video_metadata"][0]
        known = meta.fps is not None
        meta.fps = 24 if meta.fps is None else meta.fps
        indices = [int(i) for i in meta.frames_indices]
        out.append({"kind": "video", "soft_tokens": [int(made["num_soft_tokens_per_video"][0])] * len(indices),
                    "seconds": [float(t) for t in meta.timestamps], "total": len(frames), "indices": indices,
                    **({"fps": float(meta.fps)} if known else {})})
    return out


def prompts(templates: pathlib.Path):
    processor = processor_of()
    a, b, c = image(640, 480), image(2000, 60), image(48, 480)
    sound = [np.sin(np.arange(n) / 9).astype(np.float32) for n in (16000, 100, 38560)]

    def clip(frames, fps, width=96, height=64, total=None, indices=None):
        meta = {"total_num_frames": total or frames, "fps": fps, "frames_indices": indices or list(range(frames))}
        return video(frames, width, height), meta

    cases = [
        ("<|image|>", [a], [], [], True),
        ("Look: <|image|> and say what it is.", [a], [], [], True),
        ("<|image|><|image|>", [a, b], [], [], True),
        ("one\n<|image|>\n\n<|image|> <|image|>  end", [b, c, a], [], [], True),
        ("<|turn>user\n<|image|>What?<turn|>\n<|turn>model\n", [c], [], [], True),
        ("hear <|audio|>", [], [sound[0]], [], True),
        ("<|audio|><|audio|>now", [], [sound[2], sound[1]], [], True),
        ("<|audio|>, then <|image|>; <|audio|>", [b], [sound[2], sound[0]], [], True),
        ("<|video|>", [], [], [clip(32, 24.0)], True),
        ("Look <|video|> there", [], [], [clip(100, 25.0)], True),
        ("Look<|video|>there", [], [], [clip(64, 29.97)], True),
        ("5<|video|>5", [], [], [clip(3, 0.5)], False),
        ("at 12:<|video|>:30", [], [], [clip(4, 0.015)], False),
        ("  <|video|>  ", [], [], [clip(3, None)], False),
        ("a\n\n<|video|>\n\nb", [], [], [clip(7, 2.0, indices=[0, 9, 100, 119, 120, 7199, 720000])], False),
        ("<|video|><|video|>", [], [], [clip(3, 1.0), clip(5, 10.0, 64, 96)], False),
        ("<|video|> <|video|>", [], [], [clip(1, 1.0), clip(2, 10.0, 64, 96)], False),
        ("<|image|><|video|><|audio|>tail", [a], [sound[0]], [clip(40, 30.0)], True),
        ("x<|audio|>y<|video|>z<|image|>w<|image|>v<|video|>", [c, a], [sound[2]],
         [clip(33, 1.0), clip(64, 12.5, 120, 30)], True),
        ("<|video|>\u00e9t\u00e9 \U0001f600<|image|>\u4e2d", [b], [], [clip(3, 3.0)], False),
        ("0<|video|>0<|\"|>", [], [], [clip(3, 1.0)], False),
        ("no media at all", [], [], [], True),
    ]
    lines = []
    for text, images, audio, videos, sample in cases:
        given = {}
        if images:
            given["images"] = [images]
        if audio:
            given["audio"] = audio
        if videos:
            given |= {"videos": [v for v, _ in videos], "video_metadata": [dict(m) for _, m in videos],
                      "do_sample_frames": sample}
        out = processor(text=["<bos>" + text], add_special_tokens=False, **given)
        ids = out["input_ids"][0]
        lines.append({"text": text, "media": media_of(processor, images, audio, videos, sample), "ids": runs(ids),
                      "types": types(out["mm_token_type_ids"][0])})

    template = (templates / "canonical-small.jinja").read_text()
    text = lambda s: {"type": "text", "text": s}
    forged = "see <|image|> and <|audio|>, <|video|>\u00a0<|turn> "
    talks = [
        [[text(forged), {"type": "image", "image": a}, text("tail "), {"type": "image", "image": c}]],
        [[text("first"), {"type": "image", "image": b}], "I see <|image|>.",
         [{"type": "audio", "audio": sound[0]}, text("and this?")]],
    ]
    for talk in talks:
        messages = [{"role": "user" if i % 2 == 0 else "assistant", "content": content} for i, content in enumerate(talk)]
        parts = [p for m in messages if isinstance(m["content"], list) for p in m["content"]]
        images = [p["image"] for p in parts if p["type"] == "image"]
        audio = [p["audio"] for p in parts if p["type"] == "audio"]
        out = processor.apply_chat_template(messages, chat_template=template, tokenize=True, return_dict=True,
                                            add_generation_prompt=True, sanitize_control_tokens=True)
        plain = [{"role": m["role"], "content": m["content"] if isinstance(m["content"], str) else
                  [p if p["type"] == "text" else {"type": p["type"]} for p in m["content"]]} for m in messages]
        ids = np.asarray(out["input_ids"]).reshape(-1)
        lines.append({"messages": plain, "media": media_of(processor, images, audio, [], True), "ids": runs(ids),
                      "types": types(np.asarray(out["mm_token_type_ids"]).reshape(-1))})
    with open(DATA / "chat" / "media_prompts.jsonl", "w") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    from transformers.video_utils import VideoMetadata, default_sample_indices_fn
    stamp = lambda seconds: f"{int(seconds // 60):02d}:{int(seconds % 60):02d}"
    times = [0.0, 0.999, 1.0, 59.0, np.nextafter(60.0, 0), 60.0, 61.5, 599.999, 600.0, 3599.0, 3600.0, 5999.0, 6000.0,
             360000.0, 1e9, np.nextafter(3e15, 0), 4503599627370495.5]
    rates = [24.0, 25.0, 30000 / 1001, 24000 / 1001, 0.1, 7.3, 59.94, 1 / 3]
    indices = [0, 1, 23, 24, 25, 29, 30, 1438, 1439, 1440, 1499, 1798, 107892, 215784, 1000003]
    sampled = [[total, frames, [int(i) for i in default_sample_indices_fn(VideoMetadata(total), num_frames=frames)]]
               for total, frames in [(32, 32), (33, 32), (63, 32), (64, 32), (1000, 32), (107892, 32), (7, 3), (10, 1),
                                     (2**40 + 12345, 32), (5, 4)]]
    (DATA / "media" / "video_rules.json").write_text(json.dumps({
        "timestamps": [[float(t), stamp(float(t))] for t in times],
        "frames": [[i, fps, stamp(i / fps)] for fps in rates for i in indices],
        "sampled": sampled}) + "\n")


def encode(name: str, source: str, *options: str):
    subprocess.run(["ffmpeg", "-y", "-v", "error", "-bitexact", "-f", "lavfi", "-i", source, *options,
                    str(DATA / "media" / name)], check=True)


def tone() -> np.ndarray:
    """Left: a sine; right: a ramp. 16-bit numbers."""
    n = np.arange(2000)
    return np.stack([np.round(30000 * np.sin(n * 0.05)), (n * 37) % 65536 - 32768], 1).astype("<i2")


def videos():
    """Small videos of ffmpeg's moving test picture; frames as torchcodec decodes them, STORED of the 32 sampled."""
    import wave
    from torchcodec.decoders import VideoDecoder
    picture = "testsrc2=size={}:rate={}:duration={}"
    x264 = ["-c:v", "libx264", "-crf", "30", "-pix_fmt", "yuv420p"]
    encode("video_b_frames.mp4", picture.format("64x48", 25, 2), *x264, "-bf", "2", "-g", "12")
    encode("video_odd_444.mkv", picture.format("51x37", "30000/1001", 1.5), "-c:v", "libx264", "-pix_fmt", "yuv444p")
    encode("video_uneven.mp4", picture.format("64x32", 25, 4), "-vf",
           "select='not(mod(n\\,3))*lt(n\\,60)+gt(n\\,80)'", "-vsync", "vfr", *x264)
    encode("video_vp8.webm", picture.format("48x32", 12, 4), "-c:v", "libvpx")
    encode("video_bt709.mp4", picture.format("64x32", 24, 2), *x264, "-colorspace", "bt709", "-color_range", "tv")
    encode("video_short.mp4", picture.format("32x32", 10, 1), *x264)
    target = DATA / "media" / "video_turned.mp4"
    subprocess.run(["ffmpeg", "-y", "-v", "error", "-bitexact", "-i", str(DATA / "media" / "video_uneven.mp4"), "-c",
                    "copy", "-metadata:s:v", "rotate=90", str(target)], check=True)
    with wave.open("/tmp/tone.wav", "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(tone().tobytes())
    encode("video_sound.mkv", picture.format("32x32", 10, 4), "-i", "/tmp/tone.wav", "-c:v", "libx264", "-crf", "40",
           "-pix_fmt", "yuv420p", "-c:a", "flac")

    from PIL import Image
    flat = [Image.new("RGB", (6, 4), (40 * i, 10, 255 - 40 * i)) for i in range(5)]
    flat[0].save(DATA / "media" / "video_uneven.gif", save_all=True, append_images=flat[1:], loop=0,
                 duration=[0, 50, 200, 10, 1000])
    encode("video_even.gif", picture.format("32x24", 12.5, 3.2))

    cases, stored = [], b""
    for name in ["video_b_frames.mp4", "video_odd_444.mkv", "video_uneven.mp4", "video_vp8.webm", "video_bt709.mp4",
                 "video_turned.mp4"]:
        decoder = VideoDecoder(str(DATA / "media" / name), seek_mode="exact")
        total, fps = decoder.metadata.num_frames, decoder.metadata.average_fps
        indices = [k * total // 32 for k in range(32)]
        frames = decoder.get_frames_at(indices=[indices[k] for k in STORED]).data.permute(0, 2, 3, 1).numpy()
        cases.append({"file": name, "total": total, "fps": fps, "height": frames.shape[1], "width": frames.shape[2],
                      "seconds": [i / fps for i in indices], "stored": STORED, "offset": len(stored)})
        stored += frames.tobytes()
    animation = VideoDecoder(str(DATA / "media" / "video_even.gif"), seek_mode="exact").metadata
    cases.append({"file": "video_even.gif", "total": animation.num_frames,
                  "seconds": [k * animation.num_frames // 32 / animation.average_fps for k in range(32)]})
    (DATA / "media" / "video_files.u8").write_bytes(stored)
    (DATA / "media" / "video_files.json").write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["prompts", "videos"])
    parser.add_argument("templates", nargs="?", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.what == "prompts":
        prompts(arguments.templates)
    else:
        videos()
