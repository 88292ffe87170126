#!/bin/sh
# Speed of gemma4 and llama.cpp on one GGUF file in alternating runs: a markdown row for each case, medians.
#
#   compare.sh FILE [CASE...]        CASE is NAME:PROMPT:NEW:DEPTH:SEQUENCES, for example "decode at 4096:16:32:4080:1"
#
# Every round runs every case with every program; rows are printed when all rounds are over. A run that fails is reported and
# left out. Rows of several sequences say how much faster they are than the case "decode" of one.
#
# Environment: GEMMA4 (build/gemma4), PYTHON (a python with llama-cpp-python), TORCH_PYTHON (one with torch and
# transformers; prompt cases of E2B files get a torch column), THREADS (2), PAIRS of runs (3), CHUNK (512 tokens, both
# programs), WEIGHTS and KV (options --weights and --kv of gemma4 bench), KEEP (a folder for every run's JSON), IDLE
# (see idle.sh).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
gemma4=${GEMMA4:-$here/../../build/gemma4}
python=${PYTHON:-python3}
threads=${THREADS:-2}
pairs=${PAIRS:-3}
chunk=${CHUNK:-512}
[ $# -ge 1 ] || { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 2; }
file=$1
shift
[ $# -gt 0 ] || set -- "prompt 512:512:0:0:1" "prompt 4096:4096:0:0:1" "decode:16:32:0:1" "decode at 4096:16:32:4080:1"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
runs=${KEEP:-$scratch}
mkdir -p "$runs"
stem=$runs/$(basename "$file" .gguf)

. "$here/idle.sh"

run() {    # OUT PROGRAM ARGUMENT...
    out=$1
    shift
    if "$@" >"$scratch/out" 2>"$scratch/log"; then cat "$scratch/out" >>"$out"; else
        echo "compare.sh: $* failed:" >&2
        tail -3 "$scratch/log" >&2
    fi
}

round=0
while [ "$round" -lt "$pairs" ]; do
    for case in "$@"; do
        name=${case%%:*}
        numbers=${case#*:}
        prompt=${numbers%%:*}; numbers=${numbers#*:}
        new=${numbers%%:*}; numbers=${numbers#*:}
        depth=${numbers%%:*}
        sequences=${numbers#*:}
        to=$stem.$(echo "$name" | tr ' ' '_')
        [ "$round" -gt 0 ] || rm -f "$to".gemma4.jsonl "$to".llama.jsonl "$to".torch.jsonl
        run "$to.gemma4.jsonl" "$gemma4" bench --model "$file" --prompt-tokens "$prompt" --new-tokens "$new" \
            --depth "$depth" --batch "$sequences" --threads "$threads" --repeat 1 --chunk "$chunk" \
            --weights "${WEIGHTS:-stored}" --kv "${KV:-bf16}" --json
        run "$to.llama.jsonl" "$python" "$here/llama_speed.py" "$file" --prompt "$prompt" --new "$new" --depth "$depth" \
            --sequences "$sequences" --threads "$threads" --batch "$chunk" --repeat 1
        if [ -n "${TORCH_PYTHON:-}" ] && [ "$new" = 0 ] && grep -q '"variant":"e2b"' "$to.gemma4.jsonl"; then
            run "$to.torch.jsonl" "$TORCH_PYTHON" "$here/torch_speed.py" --prompt "$prompt" --new 0 --threads "$threads" --repeat 1
        fi
    done
    round=$((round + 1))
done

python3 - "$stem" "$(basename "$file")" "$@" <<'END'
import json, os, statistics, sys

stem, file, *cases = sys.argv[1:]


def read(name, program):
    path = f"{stem}.{name.replace(' ', '_')}.{program}.jsonl"
    return [json.loads(line) for line in open(path)] if os.path.exists(path) else []


def middle(runs, field):
    return statistics.median(run[field] for run in runs) if runs else None


def text(value, form, more=""):
    return format(value, form) + more if value is not None else "-"


def over(a, b):
    return a / b if a and b else None


def shares_of_peak(runs):
    if not runs:
        return "-"
    kind = "bf16" if next(iter(runs[0]["matrix_bytes"])).lower() in ("bf16", "f16", "f32") else "int8"
    best = next((k for k in ("amx_" + kind, kind, "f32") if k in runs[0]["share_of_peak"]), None)
    return f"{statistics.median(run['share_of_peak'][best] for run in runs):.1%} of {best}" if best else "-"


def prompt_row(name, ours, llama, torch):
    field = "prefill_tokens_per_s"
    us, them, third = (middle(runs, field) for runs in (ours, llama, torch))
    rival = f"{third:.0f} ({us / third:.2f}x)" if third and us else "-"
    roof = middle(ours, "roof_bytes_per_s")
    print(f"| {name} | {text(them, '.2f')} | {text(us, '.2f')} | {text(over(us, them), '.2f', 'x')} | {rival} | - | - | "
          f"{text(middle(ours, 'prefill_tflops'), '.2f')} | {shares_of_peak(ours)} | {text(over(roof, 1e9), '.1f')} |")


print(f"| {file} | llama.cpp tok/s | gemma4 tok/s | ratio | torch tok/s | share of plain read loop | of prefetched | "
      "TFLOP/s | share of peak | read loop GB/s |")
print("|---|---|---|---|---|---|---|---|---|---|")
one = {p: middle(read("decode", p), "decode_tokens_per_s") for p in ("gemma4", "llama")}
everything = {"gemma4": [], "llama": []}
for case in cases:
    name, prompt, new, depth, sequences = case.split(":")
    ours, llama, torch = (read(name, p) for p in ("gemma4", "llama", "torch"))
    everything["gemma4"] += ours
    everything["llama"] += llama
    if int(new) == 0:
        prompt_row(name, ours, llama, torch)
        continue
    if int(prompt) >= 512:
        prompt_row(f"prompt {prompt}", ours, llama, torch)
    us, them = (middle(runs, "decode_tokens_per_s") for runs in (ours, llama))
    if int(sequences) > 1 and one["gemma4"] and us:
        name += f" ({us / one['gemma4']:.2f}x of one, llama.cpp {text(over(them, one['llama']), '.2f', 'x')})"
    shares = " | ".join(text(middle(ours, f), ".1%") for f in ("share_of_roof", "share_of_prefetched_roof"))
    roof = middle(ours, "roof_bytes_per_s")
    print(f"| {name} | {text(them, '.2f')} | {text(us, '.2f')} | {text(over(us, them), '.2f', 'x')} | - | {shares} | - | - | "
          f"{text(over(roof, 1e9), '.1f')} |")
for program, runs in everything.items():
    if runs:
        print(f"\n{program}: start to first token {middle(runs, 'start_s'):.2f} s (median), "
              f"peak resident {max(run['peak_resident_bytes'] for run in runs) / 1e9:.2f} GB, {len(runs)} runs")
END
