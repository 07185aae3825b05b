"""One case of the comparison with an independent PyTorch implementation, in float64 on float32 weights.

Usage: python exportCase.py PEER.py debug|default baseline|a|b OVERRIDES_JSON OUT

PEER.py offers make_config, STFMamba, tensors (name, parameter, to our layout, from our layout), save_model and
evaluate (outputs, losses and gradients, then one step of AdamW). OVERRIDES are fields of its configuration.
OUT receives model.safetensors, input.npz, expected.json and expected.npz: outputs, gradients `grad.*`, how far PyTorch's
own float32 is from them, relative to their norm, `rounding.*`, and what the step did to each weight `update.*`, in units of
the learning rate.
"""
import copy
import dataclasses
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import torch

path, preset, phase, overrides, out = sys.argv[1:]
spec = importlib.util.spec_from_file_location("peer", path)
peer = importlib.util.module_from_spec(spec)
sys.modules["peer"] = peer
spec.loader.exec_module(peer)

small = {} if preset == "debug" else {"img_size": 64, "num_frames": 8, "num_segments": 2}
config = peer.make_config(preset, phase, **{**small, "dropout": 0.0, "drop_path": 0.0, **json.loads(overrides)})
torch.manual_seed(0)
model = peer.STFMamba(config)
for _, parameter, *_ in peer.tensors(model):
    if bool((parameter == parameter.flatten()[0]).all()):  # what starts constant would hide whole paths
        parameter.data.add_(0.05 * torch.randn_like(parameter))
folder = Path(out)
folder.mkdir(parents=True)
peer.save_model(model, folder / "model.safetensors")

batch = 4
shape = (batch, config.num_frames, config.img_size, config.img_size, 3)
clips = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
labels = np.arange(batch) % 2
np.savez(folder / "input.npz", clips=clips, labels=labels.astype(np.int32))

_, single = peer.evaluate(copy.deepcopy(model), torch.from_numpy(clips), torch.from_numpy(labels))
model = model.double()
before = {name: parameter.detach().clone() for name, parameter, *_ in peer.tensors(model)}
report, gradients = peer.evaluate(model, torch.from_numpy(clips), torch.from_numpy(labels))
arrays = {name: np.asarray(report[name]) for name in ("logits", "hll_energy", "all_band_energy")}
for name, parameter, to, _ in peer.tensors(model):
    if name in gradients:
        arrays[f"grad.{name}"] = gradients[name].astype(np.float32)
        away = np.linalg.norm(single[name].astype(np.float64) - gradients[name])
        arrays[f"rounding.{name}"] = np.float32([away / (np.linalg.norm(gradients[name]) + 1e-12)])
    update = (parameter.detach() - before[name]) / config.lr
    arrays[f"update.{name}"] = to(update).contiguous().numpy().astype(np.float32)
np.savez(folder / "expected.npz", **arrays)
expected = {"config": dataclasses.asdict(config), "loss": report["loss"], "grad_norm": report["grad_norm"]}
(folder / "expected.json").write_text(json.dumps(expected))
