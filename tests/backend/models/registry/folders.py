"""Model folders for tests: a tiny real one, and full-size ones whose tensors are holes on disk."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

from backend.models.layeranimate.bundle import LayerAnimateModel, build, tiny_config
from backend.models.layeranimate.checkpoint import WEIGHTS_NAME, save_model

Shapes = dict[str, tuple[int, ...]]
KEY_TABLES = {
    "unet": "keys_unet",
    "layer_controlnet": "keys_layer_controlnet",
    "image_projector": "keys_resampler",
    "vae": "keys_vae",
    "vae_dualref": "keys_vae_dualref",
}
TOONCRAFTER: Shapes = {
    "model.diffusion_model.time_embed.0.weight": (1280, 320),
    "model.diffusion_model.input_blocks.0.0.weight": (320, 8, 3, 3),
    "model.diffusion_model.init_attn.0.proj_in.weight": (512, 320, 1),
    "first_stage_model.encoder.conv_in.weight": (128, 3, 3, 3),
    "cond_stage_model.model.token_embedding.weight": (49408, 1024),
}
STABLE_DIFFUSION: Shapes = {
    "model.diffusion_model.time_embed.0.weight": (1280, 320),
    "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
    "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (49408, 768),
}
DIFFUSERS_UNET: Shapes = {
    "conv_in.weight": (320, 4, 3, 3),
    "down_blocks.0.resnets.0.conv1.weight": (320, 320, 3, 3),
}
DIFFUSERS_VAE: Shapes = {
    "encoder.conv_in.weight": (128, 3, 3, 3),
    "encoder.down_blocks.0.resnets.0.conv1.weight": (128, 128, 3, 3),
    "decoder.conv_in.weight": (512, 4, 3, 3),
}


def tiny_folder(folder: Path, clip_frames: int = 4) -> LayerAnimateModel:
    """Write a tiny random LayerAnimate for 128x64 pixels in the published layout; returns it."""
    model = build(tiny_config(clip_frames), seed=0)
    save_model(model, folder)
    config = folder / "unet" / "config.json"
    document = json.loads(config.read_bytes())
    document["sample_size"] = [8, 16]
    config.write_text(json.dumps(document), encoding="utf-8")
    return model


def write_hollow(path: Path, shapes: Shapes, dtype: str = "BF16") -> Path:
    """A whole safetensors file of these shapes whose tensors take no room on the disk."""
    header: dict[str, object] = {}
    end = 0
    for key, shape in shapes.items():
        begin, end = end, end + 2 * math.prod(shape)
        header[key] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    return path


def official_shapes(reference_dir: Path, table: str) -> Shapes:
    """The measured keys and shapes of one released network."""
    path = reference_dir / "reference" / "unet" / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["key"]: tuple(int(n) for n in row["shape"].split("x") if n) for row in rows}


def full_size_folder(folder: Path, reference_dir: Path, control: str = "") -> Path:
    """The released layout at full size, 6 GB of holes."""
    tables = {**KEY_TABLES, **({"layer_controlnet": control} if control else {})}
    for name, table in tables.items():
        write_hollow(folder / name / WEIGHTS_NAME, official_shapes(reference_dir, table))
    return folder
