#!/bin/sh
# The whole comparison with llama.cpp and torch: one command, hours of a machine that does nothing else. Markdown on
# standard output; what is under way on standard error.
#
#   compare_all.sh [PART...]      parts, all by default, in this order:
#       e2b_q4_0 e2b_q4_0_all e2b_q8_0 e2b_bf16 e4b_q4_0     prompts of 512 and 4096 tokens, decoding, and at depth 4096;
#                                                            of the first two 2, 4 and 8 sequences together as well
#       a4b_q4_0 d31b_q4_0                                   the same; one pair of d31b
#       media_e2b media_e4b media_a4b media_d31b             pictures and sounds
#
# Files with random weights are made in FILES (/tmp/gemma4_peers) where they are not there, one at a time; those of a4b and
# d31b (14 and 18 GB) are removed again, all of them with REMOVE=1. Environment otherwise as compare.sh and
# compare_media.sh; KEEP defaults to FILES/runs.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
files=${FILES:-/tmp/gemma4_peers}
export FILES="$files" KEEP="${KEEP:-$files/runs}"
mkdir -p "$files" "$KEEP"
[ $# -gt 0 ] || set -- e2b_q4_0 e2b_q4_0_all e2b_q8_0 e2b_bf16 e4b_q4_0 a4b_q4_0 d31b_q4_0 media_e2b media_e4b media_a4b media_d31b

for part in "$@"; do
    variant=${part%%_*}
    type=${part#*_}
    echo "compare_all.sh: $part, $(date +%H:%M)" >&2
    if [ "$variant" = media ]; then
        "$here/compare_media.sh" "$type" || echo "compare_all.sh: $part failed" >&2
        echo
        continue
    fi
    file=$files/$part.gguf
    if [ ! -f "$file" ]; then
        "$python" "$here/make_gguf.py" "$variant" "$type" "$file" || { echo "compare_all.sh: $file cannot be made" >&2; continue; }
    fi
    set -- "prompt 512:512:0:0:1" "prompt 4096:4096:0:0:1" "decode:16:32:0:1" "decode at 4096:16:32:4080:1"
    pairs=${PAIRS:-3}
    case $part in
        e2b_q4_0 | e2b_q4_0_all) set -- "$@" "2 together:16:32:0:2" "4 together:16:32:0:4" "8 together:16:32:0:8" ;;
        d31b_*)
            pairs=1
            set -- "prompt 512:512:0:0:1" "decode:16:16:0:1" "decode at 4096:4096:16:0:1"
            ;;
    esac
    PAIRS=$pairs "$here/compare.sh" "$file" "$@" || echo "compare_all.sh: $part failed" >&2
    echo
    case $part in a4b_* | d31b_*) rm -f "$file" ;; *) [ -z "${REMOVE:-}" ] || rm -f "$file" ;; esac
done
