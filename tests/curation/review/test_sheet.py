"""Promises of contact sheets: small, and with a row for each thing that was found."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageSequence

from curation.dataset.clip import LayeredClip, Tracks
from curation.review.colours import flow_colours, label_colours
from curation.review.sheet import LIMIT_BYTES, contact_sheet, loop
from training.data.procedural_source import ProceduralClips


@pytest.fixture(scope="module")
def clip() -> LayeredClip:
    return ProceduralClips(2, width=256, height=160).clip(1)


def _height(sheet: bytes) -> int:
    return Image.open(io.BytesIO(sheet)).height


def test_a_sheet_is_small_and_has_a_row_for_each_kind(clip: LayeredClip) -> None:
    sheet = contact_sheet(clip)
    bare = replace(clip, flow=None, sketch=None, tracks=Tracks.none(len(clip.frames)))
    assert len(sheet) <= LIMIT_BYTES
    assert _height(contact_sheet(bare)) * 2 == _height(sheet)  # three rows of six


def test_noise_is_made_small_all_the_same(clip: LayeredClip) -> None:
    noise = np.random.default_rng(0).integers(0, 255, clip.frames.shape).astype(np.uint8)
    assert len(contact_sheet(replace(clip, frames=noise))) <= LIMIT_BYTES


def test_a_loop_plays_at_eight_frames_per_second(clip: LayeredClip) -> None:
    with Image.open(io.BytesIO(loop(clip))) as moving:
        shown = sum(1 for _ in ImageSequence.Iterator(moving))
    assert shown == len(clip.frames[:: max(1, round(clip.fps / 8))])


def test_neighbouring_labels_differ_and_still_flow_is_white() -> None:
    colours = label_colours(12).astype(int)
    assert np.abs(np.diff(colours[1:], axis=0)).sum(axis=1).min() > 100
    assert (flow_colours(np.zeros((2, 2, 2), np.float16)) == 255).all()
