"""Hard cuts as PySceneDetect proposes them, to be confirmed by `cuts`; an extra, not needed.

`spec/curation.md` 1.2: the adaptive detector at 3.0 and the content detector at 15 together.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, Literal

import numpy as np

from shared.errors import AcetateError

Proposer = Literal["auto", "none", "scenedetect"]
"""`auto`: PySceneDetect where it is installed."""

_SHORTEST = 5
_ADAPTIVE, _CONTENT = 3.0, 15.0
_RATE = 24.0  # detectors count frames; the rate only names them


def chosen(proposer: Proposer) -> Proposer:
    """What `auto` means on this machine; anything else as it is."""
    if proposer != "auto":
        return proposer
    return "scenedetect" if importlib.util.find_spec("scenedetect") else "none"


def proposed_cuts(frames: np.ndarray, proposer: Proposer) -> set[int]:
    """First frames of new shots by both detectors; none where no proposer is asked for.

    frames: RGB uint8 [frames, h, w, 3]. Raises `engine_missing`.
    """
    if chosen(proposer) == "none":
        return set()
    try:
        detectors = importlib.import_module("scenedetect.detectors")
        timecode = importlib.import_module("scenedetect.common").FrameTimecode
    except ImportError as error:
        raise AcetateError("engine_missing", engine="scenedetect", extra="shots") from error
    both = (
        detectors.AdaptiveDetector(_ADAPTIVE, min_scene_len=_SHORTEST),
        detectors.ContentDetector(_CONTENT, min_scene_len=_SHORTEST),
    )
    return {cut for detector in both for cut in _cuts_of(detector, timecode, frames)}


def _cuts_of(detector: Any, timecode: Any, frames: np.ndarray) -> list[int]:  # noqa: ANN401 - an extra
    found = []
    for index, frame in enumerate(frames):
        picture = np.ascontiguousarray(frame[..., ::-1])  # BGR, as OpenCV has it
        found += detector.process_frame(timecode(index, _RATE), picture)
    found += detector.post_process(timecode(len(frames) - 1, _RATE))
    return [cut.frame_num for cut in found]
