"""A folder in the official layout, made by hand, that several tests take over."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path

import numpy as np

from curation.dataset.official.run_lengths import encode_mask
from curation.dataset.video import encode_video

WIDTH, HEIGHT, LENGTH = 48, 32, 20
KEYS = list(range(0, LENGTH, 2))
LICENCE = """
title = "Film"
rights_holder = "The Studio"
licence = "proprietary:contract-7"
licence_evidence = "contract-7.pdf"
consent_for_training = true
consent_by = "A. Producer"
consent_date = "2026-03-01"
attribution = "The Studio"
acquired = "2026-02-01"
"""


def masks_at(key: int) -> dict[int, np.ndarray]:
    """A box that moves right, over a wide bar; both overlap, and much is uncovered."""
    box, bar = np.zeros((2, HEIGHT, WIDTH), bool)
    box[10:20, key : key + 10] = True
    bar[12:16] = True
    return {3: box, 7: bar}


def official_folder(folder: Path, names: tuple[str, ...] = ("a1", "b.2")) -> Path:
    """Write clips of 20 frames with masks on every second one, four tracks, a licence record."""
    for name in ("clip", "masklet_f48", "masklet_f48_score", "masklet_f48_track_60"):
        (folder / name).mkdir(parents=True)
    (folder / "licence.toml").write_text(LICENCE)
    frames = np.full((LENGTH, HEIGHT, WIDTH, 3), 90, np.uint8)
    for number in range(LENGTH):
        frames[number, 10:20, number : number + 10] = 200
    tracks = np.zeros((len(KEYS), 4, 3), np.float32)
    tracks[..., 0, :] = [[key + 5.25, 11, 1] for key in KEYS]
    tracks[..., 1, :] = [40, 14, 1]
    tracks[..., 2, :] = [[5 - key, 11, 1] for key in KEYS]
    tracks[..., 3, :] = [2, 2, 0]
    for name in names:
        (folder / "clip" / f"{name}.mp4").write_bytes(encode_video(frames, 24))
        masks = {
            key: {
                element: {"size": [HEIGHT, WIDTH], "counts": encode_mask(mask)}
                for element, mask in masks_at(key).items()
            }
            for key in KEYS
        }
        (folder / "masklet_f48" / f"{name}.pkl").write_bytes(pickle.dumps(masks))
        scores = {3: np.float32(1.0), 7: 0.25, -1: np.float64(0.5)}
        (folder / "masklet_f48_score" / f"{name}.pkl").write_bytes(pickle.dumps(scores))
        np.savez(folder / "masklet_f48_track_60" / f"{name}.npz", tracks=tracks)
    with (folder / "set.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "relpath", "text", "fps", "more"])
        table.writerows([[name, f"{name}.mp4", "a box, moving", 24, 0] for name in names])
    return folder
