"""Writes tests/data/media/images/: small image files of every kind and what transformers' image processor makes of them
(transformers == 5.23.0 with Pillow == 13.0.0, numpy), and fuzz/seeds/image/.

    python tools/reference/make_image_cases.py

images.txt   NAME WIDTH HEIGHT FNV1A64 per file: the RGB pixels of convert_to_rgb(ImageOps.exif_transpose(Image.open(file)))
gif.txt      NAME, then WIDTH HEIGHT MILLISECONDS FNV1A64 per frame: ImageSequence's frames, convert("RGB")
patches.txt  WIDTH HEIGHT KIND BUDGET COLUMNS ROWS SOFT_TOKENS FNV1A64 per case: the float32 bytes of Gemma4ImageProcessorPil's
             pixel_values without padding, of the image that pixels() below makes (the same formula stands in the test)
sizes.txt    WIDTH HEIGHT BUDGET WIDTH HEIGHT: what the size rule makes of a size
"""

import importlib.metadata
import io
import pathlib
import random
import shutil
import struct
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps, ImageSequence
from PIL.PngImagePlugin import PngInfo
from transformers.image_transforms import convert_to_rgb
from transformers.models.gemma4.image_processing_pil_gemma4 import (
    Gemma4ImageProcessorPil,
    get_aspect_ratio_preserving_size,
)

root = pathlib.Path(__file__).resolve().parents[2]
target = root / "tests/data/media/images"
seeds = root / "fuzz/seeds/image"
BUDGETS = [70, 140, 280, 560, 1120]

assert importlib.metadata.version("transformers") == "5.23.0"
assert importlib.metadata.version("pillow") == "13.0.0"
warnings.simplefilter("ignore")


def fnv1a64(data):
    state = 0xCBF29CE484222325
    for byte in data:
        state = (state ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return state


def words_fnv1a64(data):
    """FNV-1a over the eight bytes at a time (the last word filled with zeros): quick enough for megabytes."""
    data += bytes(-len(data) % 8)
    state = 0xCBF29CE484222325
    for word in struct.unpack(f"<{len(data) // 8}Q", data):
        state = (state ^ word) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return state


def pixels(width, height, kind):
    """Noise (kind 0), black and white blocks (1) or a slow ramp with edges (2); uint32 arithmetic that wraps."""
    y, x, c = np.meshgrid(*(np.arange(n, dtype=np.uint32) for n in (height, width, 3)), indexing="ij")
    with np.errstate(over="ignore"):
        if kind == 0:
            z = (y * np.uint32(2654435761)) ^ (x * np.uint32(2246822519)) ^ (c * np.uint32(3266489917))
            z ^= z >> np.uint32(15)
            z *= np.uint32(2246822519)
            z ^= z >> np.uint32(13)
            return (z & 255).astype(np.uint8)
        if kind == 1:
            return ((((x // 5 + y // 3 + c) & 1) * 255)).astype(np.uint8)
        return ((x * (c + 1) + y * 2 + (x // 16) * 40) & 255).astype(np.uint8)


# ------------------------------------------------------------------------------------------------ files


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, color, rows, chunks=(), after=(), interlaced=False):
    """A PNG file of packed rows (bytes each), which Pillow cannot write itself for every depth."""
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    out = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced))
    out += b"".join(png_chunk(*c) for c in chunks)
    return out + png_chunk(b"IDAT", body) + b"".join(png_chunk(*c) for c in after) + png_chunk(b"IEND", b"")


def packed(values, depth):
    """Rows (height, n) of samples to PNG's bytes."""
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in values]
    rows = []
    for row in values:
        bits = "".join(format(int(v), f"0{depth}b") for v in row)
        bits += "0" * (-len(bits) % 8)
        rows.append(bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)))
    return rows


def adam7(values, depth, channels):
    """The seven passes of interlaced samples (height, width, channels), each row packed."""
    rows = []
    for y0, x0, dy, dx in [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]:
        part = values[y0::dy, x0::dx]
        if part.size:
            rows += packed(part.reshape(part.shape[0], -1), depth)
    return rows


def exif(orientation, order="<"):
    head = b"II*\0" if order == "<" else b"MM\0*"
    body = struct.pack(order + "IHHHIHH", 8, 1, 0x0112, 3, 1, orientation, 0)
    return head + body + bytes(4)


def xmp(orientation):
    return b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>' % orientation


def jpeg_with(data, *segments):
    """Application segments put right behind the start of a JPEG file."""
    out = data[:2]
    for marker, content in segments:
        out += struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
    return out + data[2:]


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def bmp(width, height, bits, data, palette=b"", compression=0, header=40, masks=(), colors=0, top_down=False):
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, -height if top_down else height, 1, bits, compression, len(data), 0,
                           0, colors, 0)
        info += struct.pack(f"<{len(masks)}I", *masks)
        info += bytes(max(0, header - len(info)))
    offset = 14 + len(info) + len(palette)
    return struct.pack("<2sIHHI", b"BM", offset + len(data), 0, 0, offset) + info + palette + data


def gif_codes(indices, bits):
    """Codes of `bits` + 1 bits only, with a clear code before each could grow: LZW without its table."""
    limit = (1 << bits) - 2
    codes = []
    for i, index in enumerate(indices):
        if i % limit == 0:
            codes.append(1 << bits)
        codes.append(int(index))
    codes.append((1 << bits) + 1)
    value = 0
    for i, code in enumerate(codes):
        value |= code << i * (bits + 1)
    data = value.to_bytes((len(codes) * (bits + 1) + 7) // 8, "little")
    return bytes([bits]) + b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255)) + b"\0"


def gif_frame(left, top, indices, method=0, transparent=None, hundredths=None, palette=None, bits=2, control=True):
    height, width = indices.shape
    out = b""
    if control:
        flags = method << 2 | (transparent is not None)
        out += struct.pack("<BBBBHBB", 0x21, 0xF9, 4, flags, hundredths or 0, transparent or 0, 0)
    flags = 0 if palette is None else 0x80 | (len(palette).bit_length() - 2)
    out += struct.pack("<BHHHHB", 0x2C, left, top, width, height, flags)
    return out + bytes(v for c in palette or () for v in c) + gif_codes(indices.reshape(-1), bits)


def gif(width, height, palette, frames, background=0):
    flags = 0 if palette is None else 0x80 | (len(palette).bit_length() - 2)
    return (struct.pack("<6sHHBBB", b"GIF89a", width, height, flags, background, 0)
            + bytes(v for c in palette or () for v in c) + b"".join(frames) + b";")


def png_files():
    w, h = 21, 13
    y, x = np.mgrid[:h, :w]
    for depth in (1, 2, 4, 8, 16):
        grey = ((x * 37 + y * 11) & ((1 << depth) - 1)) if depth < 16 else (x * 3119 + y * 777) & 0xFFFF
        if depth == 16:
            grey[::2] = (x + y * 19)[::2] & 0x1FF
        yield f"grey{depth}.png", png(w, h, depth, 0, packed(grey, depth))
        yield f"grey{depth}_trns.png", png(w, h, depth, 0, packed(grey, depth), [(b"tRNS", struct.pack(">H", int(grey[3, 4])))])
        yield f"grey{depth}_interlaced.png", png(w, h, depth, 0, adam7(grey[..., None], depth, 1), interlaced=True)
    yield "grey16_trns_low.png", png(w, h, 16, 0, packed(grey, 16), [(b"tRNS", struct.pack(">H", 0x0114))])
    yield "grey16_trns_255.png", png(w, h, 16, 0, packed(grey, 16), [(b"tRNS", struct.pack(">H", 0x12FF))])
    yield "grey2_trns_scaled.png", png(w, h, 2, 0, packed((x + y) & 3, 2), [(b"tRNS", struct.pack(">H", 0))])
    palette = bytes((i * 29 + c * 71) & 255 for i in range(256) for c in range(3))
    for depth in (1, 2, 4, 8):
        index = (x * 5 + y * 3) & ((1 << depth) - 1)
        count = 1 << depth
        yield f"palette{depth}.png", png(w, h, depth, 3, packed(index, depth), [(b"PLTE", palette[: 3 * count])])
        yield f"palette{depth}_trns.png", png(
            w, h, depth, 3, packed(index, depth),
            [(b"PLTE", palette[: 3 * count]), (b"tRNS", bytes((i * 83) & 255 for i in range(count - 1)))])
    yield "palette8_one.png", png(w, h, 8, 3, packed(index, 8), [(b"PLTE", palette), (b"tRNS", b"\xff\xff\xff\0\xff")])
    yield "palette8_short.png", png(w, h, 8, 3, packed(index, 8), [(b"PLTE", palette[:60])])
    yield "palette8_interlaced.png", png(w, h, 8, 3, adam7(index[..., None], 8, 1), [(b"PLTE", palette)], interlaced=True)
    for color, channels, name in ((2, 3, "rgb"), (4, 2, "grey_alpha"), (6, 4, "rgba")):
        for depth in (8, 16):
            value = pixels(w, h, 0).astype(np.uint32)
            value = np.concatenate([value, value[:, ::-1]], axis=2)[:, :, :channels]
            if color != 2:
                value[:4, :, -1] = 255
                value[4:6, :, -1] = 0
            if depth == 16:
                value = value * 256 + (value * 7 & 255)
            rows = packed(value.reshape(h, -1), depth)
            yield f"{name}{depth}.png", png(w, h, depth, color, rows)
            if color == 2:
                trns = struct.pack(">3H", *(int(v) for v in value[5, 6]))
                yield f"rgb{depth}_trns.png", png(w, h, depth, 2, rows, [(b"tRNS", trns)])
                trns = struct.pack(">3H", *(int(v) >> (depth - 8) for v in value[5, 6]))
                yield f"rgb{depth}_trns_high.png", png(w, h, depth, 2, rows, [(b"tRNS", trns)])
    rgb = packed(pixels(w, h, 2).reshape(h, -1), 8)
    yield "rgb8_gamma.png", png(w, h, 8, 2, rgb, [(b"gAMA", struct.pack(">I", 100000))])
    yield "rgb8_interlaced.png", png(w, h, 8, 2, adam7(pixels(w, h, 2), 8, 3), interlaced=True)
    yield "rgb8_exif6.png", png(w, h, 8, 2, rgb, [(b"eXIf", exif(6))])
    yield "rgb8_exif_behind.png", png(w, h, 8, 2, rgb, after=[(b"eXIf", exif(8, ">"))])
    yield "rgb8_xmp.png", png(w, h, 8, 2, rgb, [(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(3))])
    profile = b"\nexif\n      26\n" + exif(5).hex().encode() + b"\n"
    yield "rgb8_raw_profile.png", png(w, h, 8, 2, rgb, [(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile))])
    yield "one_pixel.png", png(1, 1, 8, 2, packed(np.array([[7, 99, 201]]), 8))


def jpeg_files():
    image = Image.fromarray(pixels(37, 29, 2))
    noise = Image.fromarray(pixels(37, 29, 0)).resize((74, 58), Image.Resampling.BICUBIC)
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        yield f"rgb_{name}.jpg", saved(noise, "JPEG", quality=85, subsampling=sampling)
    yield "rgb_progressive.jpg", saved(noise, "JPEG", quality=70, progressive=True)
    yield "grey.jpg", saved(image.convert("L"), "JPEG", quality=90)
    yield "restart.jpg", saved(image, "JPEG", quality=80, restart_marker_blocks=2)
    cmyk = Image.fromarray(np.concatenate([pixels(37, 29, 2), pixels(37, 29, 1)[..., :1] // 3], axis=2), "CMYK")
    data = saved(cmyk, "JPEG", quality=90)
    yield "cmyk.jpg", data
    at = data.index(b"Adobe") if b"Adobe" in data else -1
    if at >= 0:
        yield "ycck.jpg", data[: at + 11] + b"\x02" + data[at + 12 :]
    plain = saved(image, "JPEG", quality=75)
    for orientation in range(1, 10):
        order = "<" if orientation % 2 else ">"
        yield f"exif{orientation}.jpg", jpeg_with(plain, (0xE1, b"Exif\0\0" + exif(orientation, order)))
    yield "xmp8.jpg", jpeg_with(plain, (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(8)))
    yield "exif_and_xmp.jpg", jpeg_with(plain, (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(8)), (0xE1, b"Exif\0\0" + exif(2)))


def webp_files():
    image = Image.fromarray(pixels(40, 27, 2))
    rgba = image.convert("RGBA")
    rgba.putalpha(Image.fromarray(pixels(40, 27, 0)[..., 0]))
    yield "lossy.webp", saved(Image.fromarray(pixels(40, 27, 0)), "WEBP", quality=60)
    yield "lossless.webp", saved(image, "WEBP", lossless=True)
    yield "lossy_alpha.webp", saved(rgba, "WEBP", quality=60)
    yield "lossless_alpha.webp", saved(rgba, "WEBP", lossless=True, exact=True)
    yield "exif7.webp", saved(image, "WEBP", lossless=True, exif=b"Exif\0\0" + exif(7))
    yield "xmp4.webp", saved(image, "WEBP", lossless=True, xmp=xmp(4))
    frames = [Image.fromarray(pixels(16, 12, k)) for k in (2, 0)]
    yield "animated.webp", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=90, lossless=True)


def bmp_files():
    w, h = 19, 7
    y, x = np.mgrid[:h, :w]
    rng = random.Random(3)
    palette = bytes(rng.randrange(256) for _ in range(1024))
    grey = bytes(v for i in range(256) for v in (i, i, i, 0))

    def rows(values, bits):
        out = b""
        for row in packed(values, bits):
            out += row + bytes(-len(row) % 4)
        return out

    for bits in (1, 4, 8):
        index = (x * 3 + y * 5) & ((1 << bits) - 1)
        yield f"palette{bits}.bmp", bmp(w, h, bits, rows(index, bits), palette[: 4 << bits])
    yield "palette8_top_down.bmp", bmp(w, h, 8, rows(index, 8), palette, top_down=True)
    yield "palette8_20_colors.bmp", bmp(w, h, 8, rows(index, 8), palette[:80], colors=20)
    yield "grey8.bmp", bmp(w, h, 8, rows(index, 8), grey)
    yield "grey8_short.bmp", bmp(w, h, 8, rows(index, 8), grey[:80], colors=20)
    yield "black_white.bmp", bmp(w, h, 1, rows(index & 1, 1), bytes([0, 0, 0, 0, 255, 255, 255, 0]))
    yield "white_black.bmp", bmp(w, h, 1, rows(index & 1, 1), bytes([255, 255, 255, 0, 0, 0, 0, 0]))
    os2 = b"".join(palette[i * 4 : i * 4 + 3] for i in range(16))
    yield "os2.bmp", bmp(w, h, 4, rows(index & 15, 4), os2, header=12)
    sixteen = np.array([[rng.randrange(65536) for _ in range(w + 1)] for _ in range(h)], "<u2").tobytes()
    yield "rgb15.bmp", bmp(w, h, 16, sixteen)
    yield "rgb16.bmp", bmp(w, h, 16, sixteen, compression=3, masks=(0xF800, 0x7E0, 0x1F))
    yield "rgb24.bmp", saved(Image.fromarray(pixels(w, h, 0)), "BMP")
    wide = bytes(rng.randrange(256) for _ in range(w * h * 4))
    yield "rgb32.bmp", bmp(w, h, 32, wide)
    masks = [(0xFF0000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0), (0xFF000000, 0xFF00, 0xFF, 0),
             (0xFF000000, 0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
             (0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF000000, 0xFF00, 0xFF, 0xFF0000), (0, 0, 0, 0)]
    for i, m in enumerate(masks):
        yield f"masks{i}.bmp", bmp(w, h, 32, wide, compression=3, header=108 if i % 2 else 56, masks=m)
    yield "masks_short.bmp", bmp(w, h, 32, wide, compression=3, masks=masks[0][:3])
    rle8 = b""
    for row in range(h):
        rle8 += bytes([5, row, 0, 3, 9, 8, 7, 0, 8, 200 + row, 0, 0]) if row % 2 else bytes([19, row * 7, 0, 0])
    yield "rle8.bmp", bmp(w, h, 8, rle8 + b"\0\1", palette, compression=1)
    yield "rle8_delta.bmp", bmp(w, h, 8, bytes([4, 1, 0, 2, 3, 2, 9, 5, 0, 0]) + bytes([30, 9, 0, 0]) * 4, palette, compression=1)
    rle4 = b""
    for row in range(h):
        rle4 += bytes([7, 0x1F, 0, 5, 0x12, 0x34, 0x50, 0, 7, 0xA0 + row, 0, 0])
    yield "rle4.bmp", bmp(w, h, 4, rle4 + b"\0\1", palette[:64], compression=2)


def gif_files():
    colors = [(10, 20, 30), (250, 0, 0), (0, 240, 0), (0, 0, 230)]
    other = [(1, 2, 3), (90, 80, 70), (200, 210, 220), (33, 66, 99)]
    ramp = [(i, i, i) for i in range(4)]
    y, x = np.mgrid[:9, :12]
    full = (x + y) & 3
    part = ((x * 2 + y) & 3)[:4, :5]
    image = Image.fromarray(pixels(33, 21, 2)).quantize(50)
    yield "still.gif", saved(image, "GIF")
    yield "interlaced.gif", saved(image, "GIF", interlace=True)
    yield "noise.gif", saved(Image.fromarray(pixels(70, 50, 0)[..., 0]), "GIF")
    yield "transparent.gif", gif(12, 9, colors, [gif_frame(0, 0, full, transparent=2)])
    yield "transparent_part.gif", gif(12, 9, colors, [gif_frame(3, 2, part, transparent=1)])
    yield "part.gif", gif(12, 9, colors, [gif_frame(3, 2, part)], background=3)
    yield "sticks_out.gif", gif(6, 5, colors, [gif_frame(3, 2, part, transparent=3)])
    yield "no_palette.gif", gif(12, 9, None, [gif_frame(0, 0, full)])
    yield "grey_transparent.gif", gif(12, 9, ramp, [gif_frame(0, 0, full, transparent=3)])
    yield "local_palette.gif", gif(12, 9, colors, [gif_frame(0, 0, full, palette=other)])
    yield "local_ramp.gif", gif(12, 9, colors, [gif_frame(0, 0, full, palette=ramp)])
    for method in range(5):
        for t in (None, 1):
            yield f"method{method}{'_transparent' if t else ''}.gif", gif(12, 9, colors, [
                gif_frame(0, 0, full, method, t, 7),
                gif_frame(2, 1, part, method, t, 12),
                gif_frame(5, 4, part, 0, t, 0, other),
                gif_frame(1, 3, part, method, 0, 30),
                gif_frame(6, 0, part, control=False),
                gif_frame(0, 5, part, 1, 2, 4)], background=2)
    yield "grey_animation.gif", gif(12, 9, ramp, [gif_frame(0, 0, full, 2, 1, 5), gif_frame(2, 1, part, 2, 1, 5),
                                                  gif_frame(4, 3, part, 3, 2, 5), gif_frame(1, 1, part, 0, None, 5)])
    yield "ramp_between.gif", gif(12, 9, colors, [gif_frame(0, 0, full, 1, None, 5), gif_frame(2, 1, part, 2, 1, 5, ramp),
                                                  gif_frame(4, 3, part, 0, None, 5)])
    yield "grows.gif", gif(8, 6, colors, [gif_frame(0, 0, part, 1, None, 5), gif_frame(5, 4, part, 1, 1, 5),
                                          gif_frame(9, 4, part, 1, None, 5)])
    frames = [Image.fromarray(pixels(24, 18, k)).quantize(30) for k in (0, 1, 2)]
    yield "animation.gif", saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=[40, 250, 1000], loop=0)


def write_files():
    lines, frames = [], []
    for group in (png_files, jpeg_files, webp_files, bmp_files, gif_files):
        for name, data in group():
            (target / name).write_bytes(data)
            rgb = convert_to_rgb(ImageOps.exif_transpose(Image.open(io.BytesIO(data))), return_numpy=True)
            assert rgb.dtype == np.uint8 and rgb.shape[2] == 3
            lines.append(f"{name} {rgb.shape[1]} {rgb.shape[0]} {fnv1a64(rgb.tobytes()):016x}")
            if name.endswith(".gif"):
                frames.append(name)
                for frame in ImageSequence.Iterator(Image.open(io.BytesIO(data))):
                    array = np.array(frame.convert("RGB"))
                    shown = frame.info.get("duration", 0)
                    frames.append(f"{array.shape[1]} {array.shape[0]} {shown} {fnv1a64(array.tobytes()):016x}")
    (target / "images.txt").write_text("\n".join(lines) + "\n")
    (target / "gif.txt").write_text("\n".join(frames) + "\n")


def write_patches():
    rng = random.Random(20)
    sizes = [(1, 1), (48, 480), (480, 48), (2000, 60), (60, 2000), (5000, 1), (1, 5000), (48, 48), (912, 672), (672, 960),
             (1000, 700), (3, 2), (47, 1), (1200, 1600)]
    sizes += [(rng.randrange(1, 400), rng.randrange(1, 400)) for _ in range(16)]
    lines = []
    for i, (width, height) in enumerate(sizes):
        for budget in BUDGETS if i < 4 else [BUDGETS[i % 5]]:
            out = Gemma4ImageProcessorPil(max_soft_tokens=budget)(Image.fromarray(pixels(width, height, i % 3)))
            soft = int(out["num_soft_tokens_per_image"][0])
            values = np.asarray(out["pixel_values"][0])[: soft * 9]
            positions = np.asarray(out["image_position_ids"][0])[: soft * 9]
            columns, rows = (int(n) + 1 for n in positions.max(axis=0))
            assert values.dtype == np.float32 and columns * rows == soft * 9
            lines.append(f"{width} {height} {i % 3} {budget} {columns} {rows} {soft} {words_fnv1a64(values.tobytes()):016x}")
    (target / "patches.txt").write_text("\n".join(lines) + "\n")


def write_sizes():
    rng = random.Random(4)
    lines = []
    for i in range(300):
        top = (100, 3000, 100000)[i % 3]
        width, height, budget = rng.randint(1, top), rng.randint(1, top), rng.choice(BUDGETS)
        h, w = get_aspect_ratio_preserving_size(height, width, 16, budget * 9, 3)
        lines.append(f"{width} {height} {budget} {w} {h}")
    (target / "sizes.txt").write_text("\n".join(lines) + "\n")


def write_seeds():
    for name in ("grey16_trns.png", "palette4_trns.png", "rgba8.png", "rgb8_interlaced.png", "rgb8_raw_profile.png", "exif6.jpg",
                 "rgb_progressive.jpg", "cmyk.jpg", "lossy_alpha.webp", "lossless_alpha.webp", "animated.webp",
                 "method3_transparent.gif", "interlaced.gif", "grows.gif", "rle8.bmp", "rle4.bmp", "masks5.bmp", "rgb16.bmp",
                 "os2.bmp"):
        shutil.copy(target / name, seeds / name)


if __name__ == "__main__":
    target.mkdir(parents=True, exist_ok=True)
    seeds.mkdir(parents=True, exist_ok=True)
    write_files()
    write_patches()
    write_sizes()
    write_seeds()
    print(sum(f.stat().st_size for f in target.iterdir()), "bytes in", sum(1 for _ in target.iterdir()), "files")
