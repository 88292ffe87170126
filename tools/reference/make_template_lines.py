#!/usr/bin/env python3
"""The lines of the published chat templates, as hashes: include/gemma4/chat/template_lines.hpp.

    python make_template_lines.py TEMPLATES

TEMPLATES is a folder with NAME.jinja for the names below; they are not part of this repository.
"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = ["canonical-large", "canonical-small", "april-large", "april-small", "launch", "llamacpp-interleaved"]


def fnv1a(line):
    value = 0x811C9DC5
    for byte in line:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def main():
    out = ["// The lines of the published chat templates, each as its FNV-1a hash of 32 bits: enough to say where",
           "// another text departs from them. Written by tools/reference/make_template_lines.py.",
           "#pragma once", "", "#include <array>", "#include <cstdint>", "#include <span>", "",
           "namespace gemma4::inline v0::detail", "{"]
    for name in NAMES:
        text = (pathlib.Path(sys.argv[1]) / f"{name}.jinja").read_bytes().removesuffix(b"\n")
        hashes = [f"0x{fnv1a(line):08x}" for line in text.split(b"\n")]
        out.append(f"    inline constexpr std::uint32_t {name.replace('-', '_')}_lines[]{{")
        rows = [", ".join(hashes[i:i + 8]) for i in range(0, len(hashes), 8)]
        out.append(",\n".join("        " + row for row in rows) + "};\n")
    out.append("    // In the order of known_chat_templates.")
    out.append(f"    inline constexpr std::array<std::span<std::uint32_t const>, {len(NAMES)}> template_lines{{")
    words = [f"{name.replace('-', '_')}_lines," for name in NAMES]
    out.append(f"        {words[0]} {words[1]} {words[2]}")
    out.append(f"        {words[3]:22} {words[4]:22} {words[5][:-1]}}};")
    out.append("}")
    (ROOT / "include/gemma4/chat/template_lines.hpp").write_text("\n".join(out) + "\n", encoding="utf-8", newline="\n")


main()
