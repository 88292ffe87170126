#!/bin/sh
# Speed of gemma4 and llama.cpp on one GGUF file in alternating runs: a markdown row for each case.
#
#   compare.sh FILE [CASE...]        CASE is NAME:PROMPT:NEW:DEPTH:SEQUENCES, for example "decode at 4096:16:32:4080:1"
#
# Environment: GEMMA4 (build/gemma4), PYTHON (a python with llama-cpp-python), TORCH_PYTHON (one with torch and
# transformers; prompt cases of E2B get a torch column), THREADS (2), PAIRS of runs (3), WEIGHTS and KV (options --weights
# and --kv of gemma4 bench), KEEP (a folder for every run's JSON).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
gemma4=${GEMMA4:-$here/../../build/gemma4}
python=${PYTHON:-python3}
threads=${THREADS:-2}
pairs=${PAIRS:-3}
[ $# -ge 1 ] || { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 2; }
file=$1
shift
[ $# -gt 0 ] || set -- "prompt 512:512:0:0:1" "prompt 4096:4096:0:0:1" "decode:16:32:0:1" "decode at 4096:16:32:4080:1"

if [ -n "${KEEP:-}" ]; then runs=$KEEP; mkdir -p "$runs"; else runs=$(mktemp -d); trap 'rm -rf "$runs"' EXIT; fi

echo "| $(basename "$file") | llama.cpp tok/s | gemma4 tok/s | ratio | torch tok/s | share of plain read loop | of prefetched | TFLOP/s | read loop GB/s |"
echo "|---|---|---|---|---|---|---|---|---|"
for case in "$@"; do
    name=${case%%:*}
    numbers=${case#*:}
    prompt=${numbers%%:*}; numbers=${numbers#*:}
    new=${numbers%%:*}; numbers=${numbers#*:}
    depth=${numbers%%:*}
    sequences=${numbers#*:}
    rm -f "$runs"/current.*
    i=0
    while [ "$i" -lt "$pairs" ]; do
        "$gemma4" bench --model "$file" --prompt-tokens "$prompt" --new-tokens "$new" --depth "$depth" --batch "$sequences" \
            --threads "$threads" --repeat 1 --weights "${WEIGHTS:-stored}" --kv "${KV:-bf16}" --json >>"$runs/current.gemma4"
        "$python" "$here/llama_speed.py" "$file" --prompt "$prompt" --new "$new" --depth "$depth" --sequences "$sequences" \
            --threads "$threads" --repeat 1 >>"$runs/current.llama" 2>"$runs/llama.log" || { tail -3 "$runs/llama.log" >&2; exit 1; }
        if [ -n "${TORCH_PYTHON:-}" ] && [ "$new" = 0 ]; then
            "$TORCH_PYTHON" "$here/torch_speed.py" --prompt "$prompt" --new 0 --threads "$threads" --repeat 1 \
                >>"$runs/current.torch" 2>"$runs/torch.log" || { tail -3 "$runs/torch.log" >&2; exit 1; }
        fi
        i=$((i + 1))
    done
    python3 - "$name" "$new" "$runs" <<'END'
import json, os, statistics, sys

name, new, runs = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def read(program):
    path = f"{runs}/current.{program}"
    return [json.loads(line) for line in open(path)] if os.path.exists(path) else []


def middle(list_of_runs, field):
    return statistics.median(run[field] for run in list_of_runs)


field = "decode_tokens_per_s" if new else "prefill_tokens_per_s"
ours, llama, torch = read("gemma4"), read("llama"), read("torch")
us, them = middle(ours, field), middle(llama, field)
rival = f"{middle(torch, field):.0f} ({us / middle(torch, field):.2f}x)" if torch else "-"
share = f"{middle(ours, 'share_of_roof'):.1%} | {middle(ours, 'share_of_prefetched_roof'):.1%}" if new else "- | -"
flops = "-" if new else f"{middle(ours, 'prefill_tflops'):.2f}"
print(f"| {name} | {them:.2f} | {us:.2f} | {us / them:.2f}x | {rival} | {share} | {flops} | "
      f"{middle(ours, 'roof_bytes_per_s') / 1e9:.1f} |", flush=True)
END
    for program in gemma4 llama torch; do
        if [ -n "${KEEP:-}" ] && [ -f "$runs/current.$program" ]; then
            mv "$runs/current.$program" "$runs/$(basename "$file" .gguf).$(echo "$name" | tr ' ' _).$program.jsonl"
        fi
    done
done
