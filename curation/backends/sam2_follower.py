"""Drives SAM 2 through a clip: the first frame's elements, then what enters at later keyframes.

After `spec/curation.md` 1.4: newcomers of a keyframe are followed in a session of their own, so
that they cost nothing before they are there; earlier keyframes keep what they cover, and within a
session the largest logit wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from curation.backends.automatic import SamSettings
from curation.backends.transformers_folder import normalised, square_side

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import Sam2VideoInferenceSession, Sam2VideoModel

KEYFRAMES = 4
"""From keyframe to keyframe; newcomers are traced back to just after the one before."""

_AT_ONCE = 16


class Sam2Follower:
    """A `Propagator`."""

    def __init__(self, model: Sam2VideoModel, device: str, settings: SamSettings) -> None:
        self._model: Any = model  # what it answers is typed as if it could be nothing
        self._device = device
        self._settings = settings
        self._side = square_side(model.config.image_size)

    def __call__(self, frames: np.ndarray, first: np.ndarray, regions: np.ndarray) -> np.ndarray:
        """Labels of every frame, int32 [frames, h, w]; newcomers have numbers after the first's.

        frames: RGB uint8 [frames, h, w, 3]; first: int [h, w]; regions: int [frames, h, w], of
        which keyframes are searched for newcomers. Pixels that nothing covers get the label of
        the first frame that comes nearest to covering them.
        """
        import torch

        film = torch.stack([normalised(frame, self._side, self._side) for frame in frames])
        labels = np.repeat(first[None].astype(np.int32), len(frames), 0)
        covered = np.zeros(labels.shape, bool)
        covered[0] = True
        count = int(first.max()) + 1
        masks = first[None] == np.arange(count)[:, None, None]
        for frame, winner, sure in self._followed(film, 0, masks):
            if frame:
                labels[frame], covered[frame] = winner, sure
        for key in range(KEYFRAMES, len(frames), KEYFRAMES):
            fresh = newcomers(regions[key], covered[key], self._settings)
            if not len(fresh):
                continue
            for frame, winner, sure in self._followed(film, key, fresh):
                seen = fresh.any(axis=0) if frame == key else sure
                taken = seen & ~covered[frame]
                named = fresh.argmax(axis=0) if frame == key else winner
                labels[frame][taken] = count + named[taken]
                covered[frame] |= seen
            count += len(fresh)
        return labels

    def _followed(
        self, film: Tensor, start: int, masks: np.ndarray
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Masks bool [n, h, w] of frame `start` followed forward and back to the keyframe before.

        Each frame's winner int64 [h, w] and whether it covers the pixel, bool [h, w].
        """
        import torch

        size = (masks.shape[1], masks.shape[2])
        with torch.inference_mode():
            session = self._session(film, size)
            self._prompt(session, start, masks)
            self._model(session, frame_idx=start)
            for found in self._model.propagate_in_video_iterator(session, start):
                yield (int(found.frame_idx), *_winner(found.pred_masks, size))
            if start:
                back = self._model.propagate_in_video_iterator(
                    session, start, max_frame_num_to_track=KEYFRAMES - 1, reverse=True
                )
                for found in back:
                    if found.frame_idx != start:
                        yield (int(found.frame_idx), *_winner(found.pred_masks, size))

    def _session(self, film: Tensor, size: tuple[int, int]) -> Sam2VideoInferenceSession:
        """A session that shares the frames with all others; its memories stay off the device."""
        from transformers import Sam2VideoInferenceSession

        return Sam2VideoInferenceSession(
            video=film,
            video_height=size[0],
            video_width=size[1],
            inference_device=self._device,
            inference_state_device="cpu",
            video_storage_device="cpu",
            dtype=film.dtype,
        )

    def _prompt(self, session: Sam2VideoInferenceSession, frame: int, masks: np.ndarray) -> None:
        import torch
        from torch.nn.functional import interpolate

        square = (self._side, self._side)
        for number, mask in enumerate(masks):
            given = torch.from_numpy(mask).float()[None, None]
            shown = interpolate(given, square, mode="bilinear", antialias=True) >= 0.5
            session.add_mask_inputs(session.obj_id_to_idx(number), frame, shown.float())
        session.obj_with_new_inputs = list(range(len(masks)))


def newcomers(regions: np.ndarray, covered: np.ndarray, settings: SamSettings) -> np.ndarray:
    """What of a keyframe's regions int [h, w] is new, bool [n, h, w]; covered: bool [h, w]."""
    count = int(regions.max()) + 1
    whole = np.bincount(regions.ravel(), minlength=count)
    bare = np.bincount(regions[~covered], minlength=count)
    least = settings.newcomer * regions.size
    found = [np.zeros((0, *regions.shape), bool)]
    for number in np.flatnonzero((bare >= settings.uncovered * whole) & (bare >= least)):
        mask = ((regions == number) & ~covered).astype(np.uint8)
        opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
        if opened.sum() >= least:
            found.append(opened[None])
    return np.concatenate(found)


def _winner(logits: Tensor, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Which object has the largest logit [n, 1, a, b] of each pixel, and whether it is above 0.

    Objects are enlarged a few at a time: a clip can have hundreds.
    """
    import torch
    from torch.nn.functional import interpolate

    best = torch.full(size, -torch.inf, device=logits.device)
    winner = torch.zeros(size, dtype=torch.int64, device=logits.device)
    for start in range(0, len(logits), _AT_ONCE):
        large = interpolate(logits[start : start + _AT_ONCE].float(), size, mode="bilinear")[:, 0]
        top, index = large.max(dim=0)
        better = top > best
        best = torch.where(better, top, best)
        winner = torch.where(better, index + start, winner)
    return winner.cpu().numpy(), (best > 0).cpu().numpy()
