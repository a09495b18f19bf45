"""Promises of shots in real footage: cuts and transitions end clips, and mixtures are in none."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from curation.footage_stages import Ingest, Shots, ShotSettings, footage_ref, is_of_source
from curation.media.probe import IngestSettings
from curation.media.sources import find_sources

from .media.footage import write_frames
from .stages.test_transitions import FRAMES, dissolved, shot


def test_a_dissolve_and_a_cut_in_a_film_end_clips(tmp_path: Path) -> None:
    dissolve = dissolved(shot(1), shot(2), 10)  # frames 26 .. 35
    film = write_frames(tmp_path / "film.mp4", np.concatenate([dissolve, shot(3)[:20]]))
    clip = footage_ref(find_sources([film])[0])
    ingested = Ingest(IngestSettings(least_short_side=64))(clip, {})
    found = Shots(ShotSettings(proposer="none"))(clip, {"ingest": ingested}).facts
    end = 2 * FRAMES - 10
    assert found["cuts"] == [end]
    ((first, after),) = found["transitions"]
    assert 20 <= first <= 26
    assert 36 <= after <= 42
    assert found["pieces"] == [[0, first], [after, end], [end, end + 20]]
    assert msgspec.json.encode(found)  # plain, as kept work is


def test_names_tell_their_source(tmp_path: Path) -> None:
    film = write_frames(tmp_path / "film.mp4", shot(1)[:4])
    source = find_sources([film])[0]
    name = footage_ref(source).clip_id
    assert is_of_source(name, source.source_id)
    assert is_of_source(f"{source.source_id[:16]}_000000_000016", source.source_id[:20])
    assert not is_of_source(name, "0" * 64)
    assert not is_of_source("", source.source_id)
