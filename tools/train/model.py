"""The nano model: its configuration, its first weights, and its files in the released spelling."""
import json

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import Gemma4ForCausalLM, Gemma4TextConfig
from transformers.models.gemma4 import modeling_gemma4

import corpus
from make_tokenizer import VOCAB

LAYER_TYPES = ["sliding_attention", "sliding_attention", "full_attention"] * 2
LAYER_SCALARS = [0.9375, 1.0625, 0.875, 1.125, 0.96875, 0.90625]     # a buffer, not trained; not 1, as in real checkpoints
TEXT = {
    "model_type": "gemma4_text", "vocab_size": VOCAB, "vocab_size_per_layer_input": VOCAB, "hidden_activation": "gelu_pytorch_tanh",
    "max_position_embeddings": 4096, "rms_norm_eps": 1e-06, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2,
    "tie_word_embeddings": True,
    "rope_parameters": {"sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                        "full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1000000.0}},
    "final_logit_softcapping": 30.0, "head_dim": 32, "global_head_dim": 64, "attention_bias": False, "attention_dropout": 0.0,
    "use_cache": True, "hidden_size_per_layer_input": 32, "num_kv_shared_layers": 3, "attention_k_eq_v": False,
    "enable_moe_block": False, "use_double_wide_mlp": True, "num_experts": None, "top_k_experts": None, "moe_intermediate_size": None,
    "num_global_key_value_heads": None, "use_bidirectional_attention": None, "initializer_range": 0.02, "hidden_size": 160,
    "intermediate_size": 256, "num_attention_heads": 4, "num_key_value_heads": 1, "layer_types": LAYER_TYPES, "sliding_window": 128,
    "num_hidden_layers": len(LAYER_TYPES),
}
CONFIG = {
    "architectures": ["Gemma4ForConditionalGeneration"], "model_type": "gemma4", "dtype": "bfloat16", "text_config": TEXT,
    "vision_config": None, "audio_config": None, "tie_word_embeddings": True, "initializer_range": 0.02, "boi_token_id": 2000,
    "boa_token_id": 2001, "image_token_id": 2040, "audio_token_id": 2041, "eoi_token_id": 2042, "eoa_token_index": 2043, "video_token_id": 2044,
}
GENERATION = {"bos_token_id": 2, "eos_token_id": [1, 106, 50], "pad_token_id": 0, "do_sample": False}
PREFIX = "model.language_model."


def new_model(seed):
    torch.manual_seed(seed)
    model = Gemma4ForCausalLM(Gemma4TextConfig(**TEXT))
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith(("q_norm.weight", "k_norm.weight")):
                p.fill_(p.numel() ** -0.25)       # scores of about unit spread: there is no 1/sqrt(head_dim)
            elif p.dim() == 2 and "embed" not in name:
                p.normal_(0, p.shape[1] ** -0.5)
            elif name == "model.embed_tokens_per_layer.weight":
                p.normal_(0, 0.1)
        for layer, s in zip(model.model.layers, LAYER_SCALARS):
            layer.layer_scalar.fill_(s)
    return model


class FusedRMSNorm(torch.autograd.Function):
    """The same formula as Gemma4RMSNorm with a quarter of the memory traffic, for training only."""

    @staticmethod
    def forward(ctx, x, w, eps):
        r = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1]).add_(eps).rsqrt_()
        normed = x * r
        ctx.save_for_backward(normed, r, w)
        return normed if w is None else normed * w

    @staticmethod
    def backward(ctx, g):
        normed, r, w = ctx.saved_tensors
        gx = g * normed
        gw = None
        if w is None:
            dot = gx.sum(-1, keepdim=True)
        else:
            gw = gx.reshape(-1, gx.shape[-1]).sum(0)
            dot = gx @ w.unsqueeze(1)
            g = g * w
        return torch.addcmul(g, normed, dot.div_(-normed.shape[-1])).mul_(r), gw, None


def only_spoken_rows(self, hidden, per_layer, positions, masks, *unused, **also_unused):
    """KV-shared layers write no keys and values, so in training they run for the rows whose loss is wanted: `self.spoken_rows`."""
    rows = self.spoken_rows
    seen = torch.arange(hidden.shape[1]) <= rows[:, None, :, None]
    near = torch.arange(hidden.shape[1]) > rows[:, None, :, None] - self.config.sliding_window
    hidden = hidden.gather(1, rows[:, :, None].expand(-1, -1, hidden.shape[2]))
    per_layer = per_layer.gather(1, rows[:, :, None, None].expand(-1, -1, *per_layer.shape[2:]))
    positions = {kind: (cos[0][rows], sin[0][rows]) for kind, (cos, sin) in positions.items()}
    return hidden, per_layer, positions, {"full_attention": seen, "sliding_attention": seen & near}


def train_faster():
    """Same results with less work; see the two functions above."""
    modeling_gemma4.Gemma4RMSNorm.forward = lambda self, x: FusedRMSNorm.apply(x, self.weight if self.with_scale else None, self.eps)
    modeling_gemma4.Gemma4TextModel._maybe_slice_kv_shared_inputs = only_spoken_rows


def save(state, folder=corpus.MODEL):
    """Writes weights (bfloat16), config.json and generation_config.json. `state` is the state dict of a Gemma4ForCausalLM."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {PREFIX + name.removeprefix("model."): t.detach().to(torch.bfloat16).contiguous() for name, t in state.items()
               if name != "lm_head.weight"}
    save_file(tensors, folder / "model.safetensors.part", metadata={"format": "pt"})
    (folder / "model.safetensors.part").chmod(0o644)
    (folder / "model.safetensors.part").replace(folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=1) + "\n")
    (folder / "generation_config.json").write_text(json.dumps(GENERATION, indent=1) + "\n")


def load(folder=corpus.MODEL):
    """The stored model as float32 (weights rounded to bfloat16)."""
    model = Gemma4ForCausalLM(Gemma4TextConfig(**TEXT))
    state = {"model." + name.removeprefix(PREFIX): t.float() for name, t in load_file(folder / "model.safetensors").items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert set(missing) <= {"lm_head.weight"} | {n for n in missing if "inv_freq" in n} and not unexpected, (missing, unexpected)
    model.tie_weights()
    return model.eval()
