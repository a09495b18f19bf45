"""Captions by a vision-language model of transformers; the choice of backends loads it.

A folder with `config.json`, safetensors, tokenizer and picture settings, such as SmolVLM or
Qwen2.5-VL; the model sees some frames of the clip as pictures, and is asked one question.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from curation.backends import transformers_folder
from curation.backends.caption_settings import CaptionSettings
from curation.backends.transformers_folder import check_kind, load_model
from curation.backends.weights import unfit
from shared.errors import AcetateError

NAME = "captioner"
LICENCE = "LicenseRef-unknown"
WEIGHTS = transformers_folder.WEIGHTS
PACKAGES = transformers_folder.PACKAGES
_BACKEND = "caption"
_CLOSED = {"local_files_only": True, "trust_remote_code": False}
"""Nothing is downloaded and no code of a folder runs; left out, transformers asks whether to."""


def load(folder: Path, device: str, settings: CaptionSettings | None = None) -> ClipCaptioner:
    """The captioner. Raises `weights_unfit`, and `backend_package` where the model's own picture
    settings need torchvision.
    """
    config = check_kind(folder, (), _BACKEND)
    processor = _processor(folder)
    model = load_model("AutoModelForImageTextToText", folder, device, _BACKEND)
    return ClipCaptioner(
        model, processor, device, settings or CaptionSettings(), folder.name, _revision(config)
    )


@dataclass(frozen=True, eq=False)
class ClipCaptioner:
    """A `Captioner`; the likeliest words, so that the same clip is always told the same.

    `model`, `processor`: of the classes that the folder names.
    """

    model: Any
    processor: Any
    device: str
    settings: CaptionSettings
    name: str
    revision: str

    @property
    def made_by(self) -> dict[str, str]:
        """`model`, `revision` and `prompt_hash`."""
        return {
            "model": self.name,
            "revision": self.revision,
            "prompt_hash": self.settings.prompt_hash,
        }

    def __call__(self, frames: np.ndarray, *, layer: bool = False) -> str:
        """RGB uint8 [frames, h, w, 3] to the answer, white space as single blanks."""
        import torch
        from PIL import Image

        shown = sampled(frames, self.settings.frames, self.settings.side_px)
        prompt = self.settings.layer_prompt if layer else self.settings.prompt
        inputs = self.processor(
            text=self._question(prompt, len(shown)),
            images=[Image.fromarray(frame) for frame in shown],
            return_tensors="pt",
        ).to(self.device)
        with torch.inference_mode():
            tokens = self.model.generate(
                **inputs, do_sample=False, max_new_tokens=self.settings.most_tokens
            )
        answer = tokens[:, inputs["input_ids"].shape[1] :]
        text = self.processor.batch_decode(answer, skip_special_tokens=True)[0]
        return " ".join(text.split())

    def _question(self, prompt: str, pictures: int) -> str:
        """The prompt in the model's own form of a conversation, with a place for each picture."""
        if not getattr(self.processor, "chat_template", None):
            return f"{self.processor.image_token * pictures}\n{prompt}\n"
        content = [*({"type": "image"} for _ in range(pictures)), {"type": "text", "text": prompt}]
        said = [{"role": "user", "content": content}]
        return self.processor.apply_chat_template(said, add_generation_prompt=True)


def sampled(frames: np.ndarray, count: int, side_px: int) -> list[np.ndarray]:
    """`count` frames evenly from first to last, each once, no side longer than `side_px`."""
    picked = np.unique(np.linspace(0, len(frames) - 1, count).round().astype(int))
    height, width = frames.shape[1:3]
    shrink = min(1.0, side_px / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    if shrink == 1.0:
        return [frames[index] for index in picked]
    return [cv2.resize(frames[index], size, interpolation=cv2.INTER_AREA) for index in picked]


def _processor(folder: Path) -> Any:  # noqa: ANN401 - of the class that the folder names
    """What turns text and pictures into tensors.

    Where it would bring a part for films, which needs torchvision, it is put together without.
    """
    from transformers import AutoProcessor

    try:
        return AutoProcessor.from_pretrained(str(folder), **_CLOSED)
    except ImportError:
        return _without_films(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unfit(folder, _BACKEND, str(error)[:300]) from error


def _without_films(folder: Path) -> Any:  # noqa: ANN401 - of the class that the folder names
    import transformers
    from transformers import AutoImageProcessor, AutoTokenizer

    try:
        kind = getattr(transformers, _class_name(folder))
        pictures = AutoImageProcessor.from_pretrained(str(folder), **_CLOSED)
        words = AutoTokenizer.from_pretrained(str(folder), **_CLOSED)
        template = folder / "chat_template.jinja"
        told = template.read_text("utf-8") if template.is_file() else words.chat_template
        return _pictures_only(kind)(pictures, words, None, chat_template=told)
    except (ImportError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AcetateError(
            "backend_package", backend=folder.name, package="torchvision", detail=str(error)[:300]
        ) from error


def _pictures_only(kind: type) -> type:
    """The same processor, which may come without its part for films."""

    def check(self: Any, name: str, argument: object) -> object:  # noqa: ANN401 - of that class
        if name == "video_processor" and argument is None:
            return type(None)
        return kind.check_argument_for_proper_class(self, name, argument)

    return type(kind.__name__, (kind,), {"check_argument_for_proper_class": check})


def _class_name(folder: Path) -> str:
    for name in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        path = folder / name
        found = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        if found.get("processor_class"):
            return str(found["processor_class"])
    raise KeyError("processor_class")


def _revision(config: dict[str, Any]) -> str:
    """What the folder says of its own version, else nothing: its hash is kept beside it."""
    return str(config.get("_commit_hash") or config.get("_revision") or "")
