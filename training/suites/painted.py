"""LayerAnimate models as a suite's method: a clip's layers and controls as a model takes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from backend.models.layeranimate.checkpoint import load_model, read_config
from backend.models.layeranimate.clip import (
    NO_SCORE,
    ClipConditions,
    SampleSettings,
    ignore_check,
    ignore_report,
)
from backend.models.registry.installed import find_installed, present_identity
from backend.pipeline.engines import ClipPainter, painter_of
from backend.pipeline.frame_fit import FrameFit, fit_frame
from backend.pipeline.installed_painter import (
    load_installed_painter,
    trained_size,
    usual_dtype,
)
from shared.errors import AcetateError
from training.suites.clip import SuiteClip, SuiteLayer
from training.suites.methods import Method
from training.suites.suite import Control, Suite


@dataclass(frozen=True)
class Slot:
    """Places of the clip's layers that share one of the model's layers; 0 is the backdrop."""

    members: tuple[int, ...]
    is_static: bool


def painter_method(
    name: str, painter: ClipPainter, settings: SampleSettings, *, between_keys: bool = True
) -> Method:
    """A loaded model as a method; `between_keys` False where it can only start from one key."""

    def make(clip: SuiteClip, suite: Suite) -> np.ndarray:
        if len(clip.frames) != painter.clip_frames:
            where = f"{name} makes {painter.clip_frames} frames, the clips have {len(clip.frames)}"
            raise AcetateError("usage", where=where)
        fit = fit_frame(clip.width, clip.height, painter.width, painter.height)
        conditions = conditions_of(clip, suite, fit, painter.layer_slots)
        frames = painter.paint(conditions, settings, ignore_check, ignore_report)
        made = [fit.to_camera(frames[index] * 255) for index in suite.made(len(clip.frames))]
        return np.clip(np.rint(np.stack(made)), 0, 255).astype(np.uint8)

    used = " ".join(f"{model.name} {model.sha256}" for model in painter.used)
    identity = f"{used} {painter.width}x{painter.height} {settings}"
    return Method(name, make, identity, lambda suite: between_keys or not suite.last_key)


def load_method(name: str, device: str, settings: SampleSettings) -> tuple[Method, int]:
    """An imported model by name, or a folder in the released layout; and the frames it makes.

    Imported ones read the clips' captions where their text encoder is installed too. Raises
    `model_missing`, `model_corrupt`.
    """
    folder = Path(name)
    if (folder / "unet").is_dir():
        painter = _painter_in(folder, device)
        identity = _digest(folder)
    else:
        installed = find_installed(name)
        folder = installed.folder
        painter = load_installed_painter(device, installed=installed)
        identity = present_identity(installed)
    between_keys = read_config(folder).dual is not None
    method = painter_method(Path(name).name, painter, settings, between_keys=between_keys)
    return replace(method, identity=f"{identity} {device} {method.identity}"), painter.clip_frames


def _painter_in(folder: Path, device: str) -> ClipPainter:
    """A model that is not imported, such as a training run's export; prompts stay unread."""
    where = torch.device(device)
    model = load_model(folder, where, usual_dtype(where))
    painter = painter_of(model)
    usual = (painter.width, painter.height)
    width, height = trained_size(folder, model.config, usual)
    return replace(painter, width=width, height=height)


def _digest(folder: Path) -> str:
    """SHA-256 over weights and settings of a folder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".safetensors", ".json")):
        digest.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def conditions_of(clip: SuiteClip, suite: Suite, fit: FrameFit, slots: int) -> ClipConditions:
    """What the model gets: key frames, what shows of each slot there, and one control a slot.

    Still layers and the backdrop share the first slot. Of a sketch, a track and a score the
    suite's own steers; score -1 stands beside the other two, as in training.
    """
    keys = [0, -1] if suite.last_key else [0]
    chosen = slots_of(clip, slots)
    frames = np.stack([fit.to_model(clip.frames[k].astype(np.float32) / 255) for k in keys])
    masks = np.stack(
        [np.stack([fit.to_model(_shown(clip, slot, key)) for key in keys]) for slot in chosen]
    )  # [n, K, H, W]
    return ClipConditions(
        frames=np.clip(frames, 0, 1).astype(np.float32),
        layer_masks=np.clip(masks, 0, 1).astype(np.float32),
        layer_static=np.array([slot.is_static for slot in chosen], np.bool_),
        layer_validity=np.array(
            [not slot.is_static or bool(masks[i].any()) for i, slot in enumerate(chosen)], np.bool_
        ),
        motion_scores=np.array([_score(clip, slot, suite) for slot in chosen], np.float32),
        frames_count=len(clip.frames),
        sketch=_sketches(clip, chosen, fit) if suite.control is Control.SKETCH else None,
        tracks=tuple(_tracks(clip, slot, suite, fit) for slot in chosen),
        fps=clip.fps,
        prompt=clip.caption,
    )


def slots_of(clip: SuiteClip, count: int) -> tuple[Slot, ...]:
    """The clip's layers in at most `count` slots; layers of the most alike scores share one."""
    still = [0, *(n + 1 for n, layer in enumerate(clip.layers) if layer.is_static)]
    moving = [n + 1 for n, layer in enumerate(clip.layers) if not layer.is_static]
    groups = [[n] for n in sorted(moving, key=lambda n: clip.layers[n - 1].score)]
    while len(groups) > max(1, count - 1):
        scores = [np.mean([clip.layers[n - 1].score for n in group]) for group in groups]
        at = int(np.argmin(np.diff(scores)))
        groups[at : at + 2] = [groups[at] + groups[at + 1]]
    ordered = sorted(sorted(group) for group in groups)
    return (Slot(tuple(still), is_static=True), *(Slot(tuple(g), is_static=False) for g in ordered))


def _members(clip: SuiteClip, slot: Slot) -> list[SuiteLayer]:
    return [clip.layers[n - 1] for n in slot.members if n > 0]


def _shown(clip: SuiteClip, slot: Slot, key: int) -> np.ndarray:
    """What shows of a slot at a key: float32 [h, w], 0 or 1."""
    return np.isin(clip.labels[key], slot.members).astype(np.float32)


def _score(clip: SuiteClip, slot: Slot, suite: Suite) -> float:
    if slot.is_static:
        return 0.0
    if suite.control is not Control.SCORE:
        return NO_SCORE
    return float(np.mean([layer.normal_score for layer in _members(clip, slot)]))


def _sketches(clip: SuiteClip, slots: tuple[Slot, ...], fit: FrameFit) -> np.ndarray:
    """Line drawings of every slot, 0 on a stroke, 1 on paper: float32 [n, T, H, W]."""
    papers = np.ones((len(slots), len(clip.frames), fit.height, fit.width), np.float32)
    for index, slot in enumerate(slots):
        if slot.is_static:
            continue
        for frame in range(len(clip.frames)):
            strokes = np.max([layer.sketches[frame] for layer in _members(clip, slot)], axis=0)
            lines = fit.to_model(strokes.astype(np.float32) / 255)
            papers[index, frame] = 1 - np.clip(lines, 0, 1)
    return papers


def _tracks(clip: SuiteClip, slot: Slot, suite: Suite, fit: FrameFit) -> np.ndarray:
    """All asked tracks of a slot in the model's pixels: float32 [T, p, 2]."""
    none = np.zeros((len(clip.frames), 0, 2), np.float32)
    if slot.is_static or suite.control is not Control.TRAJECTORY:
        return none
    tracks = np.concatenate([none, *(layer.tracks for layer in _members(clip, slot))], axis=1)
    return fit.points_to_model(tracks)
