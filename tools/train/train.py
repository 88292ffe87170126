"""Trains the nano model on processor cores and writes models/nano from time to time.

    python train.py --steps 4000 --decay 1500              two worker processes of one thread each
    python train.py --resume /tmp/nano/state.pt ...        go on from a saved state

The rate is constant, then falls linearly to zero over the last `--decay` steps. A file `stop_at` in --work with a step number
changes the last step while it runs (reported in models/nano/README.md, so that the run can be repeated with --steps).
"""
import argparse
import json
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from tokenizers import Tokenizer

import corpus
import model as nano


def orthogonal(g):
    """Newton-Schulz: the nearest matrix with equal singular values, for a stack of matrices."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.transpose(1, 2) if g.shape[1] > g.shape[2] else g
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        s = x @ x.transpose(1, 2)
        x = a * x + (b * s + c * s @ s) @ x
    return x.transpose(1, 2) if g.shape[1] > g.shape[2] else x


class Optimiser:
    """Muon for the matrices inside the layers, Adam for tables and norms."""

    def __init__(self, model, muon_rate, adam_rate):
        self.rates = muon_rate, adam_rate
        self.stacks, self.others = {}, []
        for name, p in model.named_parameters():
            if p.dim() == 2 and "embed" not in name:
                self.stacks.setdefault(tuple(p.shape), []).append(p)
            else:
                self.others.append(p)
        self.momentum = {shape: torch.zeros(len(ps), *shape) for shape, ps in self.stacks.items()}
        self.adam = torch.optim.AdamW([{"params": [p for p in self.others if p.dim() == 2]},
                                       {"params": [p for p in self.others if p.dim() < 2]}], betas=(0.9, 0.98), weight_decay=0.0)

    @torch.no_grad()
    def step(self, scale):
        muon_rate, adam_rate = self.rates
        for group, rate in zip(self.adam.param_groups, (adam_rate, adam_rate)):
            group["lr"] = rate * scale
        self.adam.step()
        rank, workers = dist.get_rank(), dist.get_world_size()
        updates = {}
        for shape, ps in self.stacks.items():
            m = self.momentum[shape].mul_(0.95).add_(g := torch.stack([p.grad for p in ps]), alpha=0.05)
            updates[shape] = torch.zeros_like(m)
            if len(ps) > rank:      # every worker does its share of the matrices
                updates[shape][rank::workers] = orthogonal(torch.lerp(g[rank::workers], m[rank::workers], 0.95))
        flat = torch.cat([u.flatten() for u in updates.values()])
        dist.all_reduce(flat)
        at = 0
        for shape, ps in self.stacks.items():
            rate = muon_rate * scale * max(1.0, shape[0] / shape[1]) ** 0.5
            for p in ps:
                p.mul_(1 - muon_rate * scale * 0.05).add_(flat[at:at + p.numel()].view_as(p), alpha=-rate)
                at += p.numel()

    def state(self):
        return {"momentum": self.momentum, "adam": self.adam.state_dict()}

    def restore(self, state):
        self.momentum = state["momentum"]
        self.adam.load_state_dict(state["adam"])


def spoken_loss(model, ids, targets):
    """Sum of the loss over the tokens the model has to say, upper layers and head computed for these only."""
    wanted = targets != -100
    rows = torch.argsort((~wanted).int(), dim=1, stable=True)[:, :wanted.sum(1).max()]
    model.model.spoken_rows = rows
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
    targets = targets.gather(1, rows)
    wanted = targets != -100
    logits = 30.0 * torch.tanh(model.lm_head(hidden[wanted]) / 30.0)
    return F.cross_entropy(logits, targets[wanted], reduction="sum"), wanted.sum()


def stream(tokenizer, args, rank, shard=0):
    template = corpus.plain_template()
    while True:
        for batch in corpus.batches(tokenizer, template, args.seed + 1000003 * shard + rank, 100000, args.batch_tokens):
            yield batch
        shard += args.workers


def work(rank, args):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{args.work}/meeting", rank=rank, world_size=args.workers)
    nano.train_faster()
    tokenizer = Tokenizer.from_file(str(corpus.MODEL / "tokenizer.json"))
    model = nano.new_model(args.seed).train()
    optimiser = Optimiser(model, args.muon_rate, args.adam_rate)
    averaged = {k: v.clone() for k, v in model.state_dict().items()}
    params = [p for p in model.parameters()]
    step = tokens = seconds = 0
    if args.resume:
        saved = torch.load(args.resume)
        model.load_state_dict(saved["model"])
        optimiser.restore(saved["optimiser"])
        averaged, step, tokens, seconds = saved["averaged"], saved["step"], saved["tokens"], saved["cpu_seconds"]
    data = stream(tokenizer, args, rank, shard=1000 * step)
    work_folder = Path(args.work)
    stop, first, began, saved_at, shown = args.steps, step, time.time(), time.time(), 0.0
    base_seconds = seconds
    while step < stop:
        ids, targets = next(data)
        loss, said = spoken_loss(model, ids, targets)
        loss.backward()
        flat = torch.cat([p.grad.flatten() for p in params] + [torch.stack([loss.detach(), said.float(), torch.tensor(float(ids.numel())),
                                                                            torch.tensor(time.process_time())])])
        dist.all_reduce(flat)
        grads, (total, count, seen, cpu) = flat[:-4], flat[-4:].tolist()
        grads /= count
        norm = grads.norm()
        grads *= min(1.0, 1.0 / (norm.item() + 1e-6))
        at = 0
        for p in params:
            p.grad = grads[at:at + p.numel()].view_as(p)
            at += p.numel()
        scale = min(1.0, (step - first + 1) / args.warmup, max(0.0, (stop - step) / args.decay))
        optimiser.step(scale)
        step, tokens = step + 1, tokens + int(seen)
        seconds = base_seconds + cpu
        shown = total / count if not shown else 0.95 * shown + 0.05 * total / count
        keep = min(0.98, 1 - 10 / (step + 10))
        with torch.no_grad():
            for k, v in model.state_dict().items():
                averaged[k].lerp_(v, 1 - keep) if v.is_floating_point() else averaged[k].copy_(v)
        if rank == 0:
            if step % 20 == 0 or step < 5:
                print(f"step {step}/{stop} loss {shown:.4f} norm {norm:.2f} rate {scale:.3f} tokens {tokens / 1e6:.2f}M "
                      f"{time.time() - began:.0f} s wall, {seconds:.0f} s processor", flush=True)
            if time.time() - saved_at > args.save_every or step == stop:
                saved_at = time.time()
                torch.save({"model": model.state_dict(), "averaged": averaged, "optimiser": optimiser.state(), "step": step, "tokens": tokens,
                            "cpu_seconds": seconds}, work_folder / "state.pt")
                nano.save(model.state_dict() if step == stop else averaged)
                (work_folder / "progress.json").write_text(json.dumps({"step": step, "tokens": tokens, "cpu_seconds": seconds, "loss": shown}))
        if step % 20 == 0 or step < 5:
            path = work_folder / "stop_at"
            wish = torch.tensor(int(path.read_text()) if rank == 0 and path.exists() else stop)
            dist.broadcast(wish, 0)
            stop = max(int(wish), step)
    dist.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--decay", type=int, default=1500)
    parser.add_argument("--warmup", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch-tokens", type=int, default=1536, help="a worker and step")
    parser.add_argument("--muon-rate", type=float, default=0.02)
    parser.add_argument("--adam-rate", type=float, default=0.004)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save-every", type=float, default=240, help="seconds")
    parser.add_argument("--work", default="/tmp/nano/work")
    parser.add_argument("--resume")
    args = parser.parse_args()
    Path(args.work).mkdir(parents=True, exist_ok=True)
    Path(args.work, "meeting").unlink(missing_ok=True)
    mp.spawn(work, (args,), nprocs=args.workers)


if __name__ == "__main__":
    main()
