#!/bin/sh
# Speed of encoding pictures and sounds: gemma4, llama.cpp's mtmd and torch in alternating runs, a markdown row for each
# case, medians.
#
#   compare_media.sh VARIANT [CASE...]     CASE is image:SOFT_TOKENS or audio:SECONDS; default image:280 and, for e2b
#                                          and e4b, audio:10
#
# Weights are random at the real shapes: gemma4's are made in memory, F16 as a projector file has them and bf16 as a
# checkpoint has them; llama.cpp reads a projector file and a text model of one layer, which are made in FILES if they are
# not there (1.5 to 2.5 GB).
#
# Environment: GEMMA4 (build/gemma4), PYTHON (a python with gguf and llama-cpp-python built with mtmd), TORCH_PYTHON (one
# with torch and transformers; empty: no column), THREADS (2), PAIRS of runs (3), REPEAT of each run after its warm-up (2),
# FILES (a folder, /tmp/gemma4_peers), MMPROJ and MODEL (files instead of those), KEEP (a folder for every run's JSON).
# SKIP_LLAMA=1 leaves llama.cpp out; IDLE: see idle.sh.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
gemma4=${GEMMA4:-$here/../../build/gemma4}
python=${PYTHON:-python3}
threads=${THREADS:-2}
pairs=${PAIRS:-3}
repeat=${REPEAT:-2}
files=${FILES:-/tmp/gemma4_peers}
[ $# -ge 1 ] || { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 2; }
variant=$1
shift
if [ $# -eq 0 ]; then
    case $variant in
        e2b | e4b) set -- image:280 audio:10 ;;
        *) set -- image:280 ;;
    esac
fi
if [ -n "${KEEP:-}" ]; then runs=$KEEP; mkdir -p "$runs"; else runs=$(mktemp -d); trap 'rm -rf "$runs"' EXIT; fi

mmproj=${MMPROJ:-$files/${variant}_mmproj.gguf}
model=${MODEL:-$files/${variant}_1layer.gguf}
if [ -z "${SKIP_LLAMA:-}" ]; then
    mkdir -p "$files"
    [ -f "$mmproj" ] || "$python" "$here/make_mmproj.py" "$variant" "$mmproj"
    [ -f "$model" ] || "$python" "$here/make_gguf.py" "$variant" q4_0_all "$model" --layers 1
fi

. "$here/idle.sh"

size_of() {    # image:N -> WIDTHxHEIGHT, the shape that gemma4 bench takes
    python3 -c "
import sys
n = int(sys.argv[1])
rows = max(r for r in range(1, int(n ** 0.5) + 1) if n % r == 0)
print(f'{n // rows * 48}x{rows * 48}')" "$1"
}

ours() {    # TYPE CASE
    "$gemma4" bench --variant "$variant" --random "$1" --media "$2" --threads "$threads" --repeat "$repeat" --json \
        >>"$runs/current.$1"
}

echo "| $variant | llama.cpp ms | torch bf16 ms | gemma4 F16 ms | to llama.cpp | to torch | gemma4 bf16 ms | to llama.cpp | to torch | TFLOP/s (bf16) | share of bf16 peak | scratch MB |"
echo "|---|---|---|---|---|---|---|---|---|---|---|---|"
for case in "$@"; do
    number=${case#*:}
    case $case in
        image:*) media="--image $(size_of "$number")" ;;
        audio:*) media="--audio $number" ;;
        *) echo "compare_media.sh: case $case is neither image:N nor audio:N" >&2; exit 2 ;;
    esac
    rm -f "$runs"/current.*
    i=0
    while [ "$i" -lt "$pairs" ]; do
        ours f16 "$case"
        ours bf16 "$case"
        if [ -z "${SKIP_LLAMA:-}" ]; then
            # shellcheck disable=SC2086
            "$python" "$here/llama_media.py" "$model" "$mmproj" $media --threads "$threads" --repeat "$repeat" \
                >>"$runs/current.llama" 2>"$runs/llama.log" || { tail -3 "$runs/llama.log" >&2; exit 1; }
        fi
        if [ -n "${TORCH_PYTHON:-}" ]; then
            # shellcheck disable=SC2086
            "$TORCH_PYTHON" "$here/torch_media.py" --variant "$variant" $media --threads "$threads" --repeat "$repeat" \
                >>"$runs/current.torch" 2>"$runs/torch.log" || { tail -3 "$runs/torch.log" >&2; exit 1; }
        fi
        i=$((i + 1))
    done
    python3 - "$case" "$runs" <<'END'
import json, os, statistics, sys

case, runs = sys.argv[1:]


def read(program):
    path = f"{runs}/current.{program}"
    if not os.path.exists(path):
        return []
    lines = [json.loads(line) for line in open(path)]
    return [line["cases"][0] if "cases" in line else line for line in lines]


def middle(list_of_runs, field):
    return statistics.median(run[field] for run in list_of_runs)


llama, torch = read("llama"), read("torch")
tokens = {run["soft_tokens"] for program in ("f16", "bf16", "llama", "torch") for run in read(program)}
if len(tokens) != 1:
    sys.exit(f"{case}: the programs made {sorted(tokens)} soft tokens, not the same work")


def ms(list_of_runs):
    return f"{middle(list_of_runs, 'encode_ms'):.0f}" if list_of_runs else "-"


def ratio(rival, us):
    return f"{middle(rival, 'encode_ms') / middle(us, 'encode_ms'):.2f}x" if rival else "-"


columns = [f"{case}, {tokens.pop()} soft tokens", ms(llama), ms(torch)]
for kind in ("f16", "bf16"):
    us = read(kind)
    columns += [ms(us), ratio(llama, us), ratio(torch, us)]
peaks = us[0]["share_of_peak"]
best = next((kind for kind in ("amx_bf16", "bf16", "f32") if kind in peaks), None)
share = f"{statistics.median(run['share_of_peak'][best] for run in us):.1%} of {best}" if best else "-"
columns += [f"{middle(us, 'tflops'):.2f}", share, f"{us[0]['scratch_bytes'] / 1e6:.0f}"]
print("| " + " | ".join(columns) + " |", flush=True)
END
    for program in f16 bf16 llama torch; do
        if [ -n "${KEEP:-}" ] && [ -f "$runs/current.$program" ]; then
            mv "$runs/current.$program" "$runs/$variant.$(echo "$case" | tr ':' '_').$program.jsonl"
        fi
    done
done
