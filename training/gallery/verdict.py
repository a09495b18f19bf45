"""The gallery's bars: what a shot has to reach, and in words what it misses; pure data.

Called by the page and the table of the evaluation.
"""

from __future__ import annotations

from training.gallery.measure import CONTROLLED, FREE, ShotScores

GAIN_DB = {CONTROLLED: 6.0, FREE: 2.0}
"""PSNR above flow warp where strokes correspond between keys."""
EDGES = 0.95, 1.05
FAINT_LINES = 1.25
"""Half-strong dark lines against the truth's; a cross-fade of outlined art has 1.4 and more."""


def misses(shot: ShotScores) -> list[str]:
    """One sentence for every bar that a shot misses; empty where it holds all.

    Shots whose strokes do not correspond only have to be no worse than flow warp.
    """
    found: list[str] = []
    for method, wanted in GAIN_DB.items():
        if method == CONTROLLED and not shot.controlled:
            continue
        gain = shot.gain_db(method)
        bar = wanted if shot.corresponds else 0.0
        if gain < bar:
            found.append(f"{_name(method)}: {gain:+.1f} dB over flow warp, bar {bar:+.0f}")
        if shot.corresponds:
            found += _crispness(shot, method)
    return found


def _crispness(shot: ShotScores, method: str) -> list[str]:
    score = shot.scores[method]
    found: list[str] = []
    if score.edge_energy < EDGES[0]:
        found.append(f"{_name(method)}: soft, edge energy {score.edge_energy:.0%}")
    if score.edge_energy > EDGES[1]:
        found.append(f"{_name(method)}: more edges than drawn, {score.edge_energy:.0%}")
    if score.faint_lines > FAINT_LINES:
        found.append(f"{_name(method)}: faint or double outlines, {score.faint_lines:.1f} x")
    return found


def _name(method: str) -> str:
    return "with its controls" if method == CONTROLLED else "without controls"
