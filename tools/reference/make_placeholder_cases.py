"""Makes tests/data/golden/<variant>/placeholders_{conditional,causal}.npy: every 8th logit of the last row of a prompt
that holds the placeholders of an image, a video and a sound without their media, by both classes of transformers.

    python make_placeholder_cases.py
"""
import numpy as np
from transformers import Gemma4ForCausalLM, Gemma4ForConditionalGeneration

import make_fixtures as mf

PROMPT = [2, 300, 2040, 17, 2041, 1999, 2044, 45]    # tests/model/test_placeholders.cpp has the same


def main():
    for variant in ("tiny_e2b", "tiny_a4b"):
        for name, model_class, options in (("conditional", Gemma4ForConditionalGeneration, {}),
                                           ("causal", Gemma4ForCausalLM, {"layout": "causal"})):
            with mf.written(mf.DATA / "tiny" / variant, **options) as folder:
                row = mf.logits(mf.load(folder, model_class), PROMPT)[-1]
            mf.save(mf.GOLDEN / variant, f"placeholders_{name}", row[::8].astype(np.float32))


main()
