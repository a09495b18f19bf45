"""Models of the package transformers from a folder on this machine; SAM, SAM 2, captions use it.

Nothing is ever downloaded, no code of a folder runs, and only safetensors are opened.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curation.backends.weights import unfit

if TYPE_CHECKING:
    from torch import Tensor

PACKAGES = ("transformers",)
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


def check_kind(folder: Path, kinds: tuple[str, ...], backend: str) -> dict[str, Any]:
    """The folder's settings. Raises `weights_unfit` unless they are of one of the kinds."""
    try:
        settings = json.loads((folder / "config.json").read_text("utf-8"))
        kind = settings["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unfit(folder, backend, f"config.json cannot be read: {error}") from error
    if kinds and kind not in kinds:
        detail = f"config.json says {str(kind)[:40]}, not {' or '.join(kinds)}"
        raise unfit(folder, backend, detail)
    return settings


def load_model(model_class: str, folder: Path, device: str, backend: str) -> Any:  # noqa: ANN401 - its class is named by a text
    """A model in evaluation mode, float32. Raises `weights_unfit` unless every tensor is there."""
    import torch
    import transformers
    from safetensors import SafetensorError

    quiet_transformers()
    try:
        model, told = getattr(transformers, model_class).from_pretrained(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,  # left out, it asks on the terminal whether to run it
            use_safetensors=True,
            output_loading_info=True,
            dtype=torch.float32,
        )
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise unfit(folder, backend, str(error)[:300]) from error
    if wrong := sorted(str(key) for key in (*told["missing_keys"], *told["mismatched_keys"])):
        detail = f"{len(wrong)} tensors are missing or of another shape, such as {wrong[0][:80]}"
        raise unfit(folder, backend, detail)
    return model.to(device).eval().requires_grad_(requires_grad=False)


def quiet_transformers() -> None:
    """The package says nothing while it reads weights; what is wrong is raised."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def square_side(size: int | Sequence[int]) -> int:
    """Of a network's square picture, which settings give as one number or as two."""
    return size if isinstance(size, int) else int(size[0])


MEAN = np.array((0.485, 0.456, 0.406), np.float32)
SPREAD = np.array((0.229, 0.224, 0.225), np.float32)


def normalised(picture: np.ndarray, height: int, width: int) -> Tensor:
    """An RGB uint8 picture at another size, as ImageNet's networks see it: float32 [3, h, w]."""
    import torch
    from PIL import Image

    small = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
    values = (np.asarray(small, np.float32) / 255.0 - MEAN) / SPREAD
    return torch.from_numpy(values.transpose(2, 0, 1).copy())
