"""The gallery as one static page and as a table; pure text from scores.

Called by the evaluation. What is seen in each shot is written by people, in `seen.toml`.
"""

from __future__ import annotations

import html
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from training.gallery.measure import CONTROLLED, FLOW, FREE, METHODS, ShotScores
from training.gallery.shot import GalleryShot
from training.gallery.verdict import misses

SEEN = Path(__file__).parent / "seen.toml"
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1180px;padding:0 1rem;
 color:#2b2330;background:#f7f5f0}
h1{font-size:1.6rem}h2{margin:2.6rem 0 .2rem;font-size:1.2rem}
table{border-collapse:collapse;margin:.6rem 0;font-variant-numeric:tabular-nums}
td,th{padding:.15rem .7rem .15rem 0;text-align:right}td:first-child,th:first-child{text-align:left}
img{max-width:100%;border:1px solid #d9d2c5}.bad{color:#b3261e}.good{color:#2c6e49}
.note{color:#6d6570}
"""


def words(path: Path = SEEN) -> dict[str, str]:
    """Shot name -> what a person saw on its sheet; empty without the file."""
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}


def html_page(
    shots: Sequence[GalleryShot],
    scores: Mapping[str, ShotScores],
    size: tuple[int, int],
    seen: Mapping[str, str],
) -> str:
    """The whole page; sheets lie beside it as NAME.jpg."""
    measured = [shot for shot in shots if shot.name in scores]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Acetate gallery</title>",
        f"<style>{_STYLE}</style><h1>The gallery</h1>",
        f"<p>{len(measured)} shots drawn as Grease Pencil strokes, {size[0]}x{size[1]}. The truth "
        "is the same drawing with every frame a key. Rows of a sheet: truth; the take with the "
        "shot's own controls; the take without any; optical flow between the keys. Mean figures "
        "over the in-between frames; what misses a bar is <span class=bad>red</span>.</p>",
        _overview(measured, scores),
    ]
    parts += [_section(shot, scores[shot.name], seen.get(shot.name, "")) for shot in measured]
    return "\n".join(parts) + "</html>\n"


def _overview(shots: Sequence[GalleryShot], scores: Mapping[str, ShotScores]) -> str:
    head = "<tr><th>shot<th>strokes correspond<th>controls<th>no controls<th>flow warp<th>verdict"
    rows = [head]
    for shot in shots:
        score = scores[shot.name]
        wrong = misses(score)
        verdict = f"<td class=bad>{len(wrong)} missed" if wrong else "<td class=good>holds its bars"
        figures = "".join(
            f"<td>{score.scores[method].psnr_db:.1f} dB ({score.gain_db(method):+.1f})"
            for method in (CONTROLLED, FREE)
        )
        rows.append(
            f"<tr><td><a href=#{shot.name}>{html.escape(shot.title)}</a>"
            f"<td>{'yes' if shot.corresponds else 'no'}{figures}"
            f"<td>{score.scores[FLOW].psnr_db:.1f} dB{verdict}"
        )
    return f"<table>{''.join(rows)}</table>"


def _section(shot: GalleryShot, score: ShotScores, seen: str) -> str:
    wrong = misses(score)
    verdict = "".join(f"<br>{html.escape(line)}" for line in wrong)
    methods = "; ".join(f"{name}: {method}" for name, method in score.layers[CONTROLLED].items())
    parts = [
        f"<h2 id={shot.name}>{html.escape(shot.title)}</h2><p>{html.escape(shot.about)}</p>",
        f"<p><b>Seen:</b> {html.escape(seen)}</p>" if seen else "",
        _table(score),
        f"<p class=bad><b>Below its bars</b>{verdict}</p>" if wrong else "",
        f"<p class=note>With controls: {html.escape(methods)}.</p>",
        f"<a href={shot.name}.jpg><img src={shot.name}.jpg loading=lazy "
        f"alt='Contact sheet: {html.escape(shot.title)}'></a>",
    ]
    return "".join(parts)


def _table(score: ShotScores) -> str:
    rows = ["<tr><th><th>PSNR<th>over flow<th>moving art<th>SSIM<th>edges<th>faint lines"]
    for method in METHODS:
        one = score.scores[method]
        rows.append(
            f"<tr><td>{method}<td>{one.psnr_db:.2f} dB<td>{score.gain_db(method):+.2f}"
            f"<td>{one.moving_psnr_db:.2f} dB<td>{one.ssim:.4f}<td>{one.edge_energy:.1%}"
            f"<td>{one.faint_lines:.2f} x"
        )
    return f"<table>{''.join(rows)}</table>"


def markdown_page(
    shots: Sequence[GalleryShot],
    scores: Mapping[str, ShotScores],
    size: tuple[int, int],
    seen: Mapping[str, str],
) -> str:
    """The same page in short, for readers of the repository."""
    parts = [
        "# The gallery",
        f"{len(shots)} shots drawn as Grease Pencil strokes in Blender, {size[0]}x{size[1]}; the "
        "truth is the same drawing with every frame a key. Mean PSNR over the in-between frames, "
        "in brackets against optical flow between the keys. More figures: `index.html`. Made by "
        "`acetate evaluate gallery --out docs/gallery`; drawn anew by `python -m "
        "training.gallery.draw` in a `bpy` interpreter.",
        "| shot | strokes correspond | with its controls | no controls | flow warp | bars missed |"
        "\n|---|---|---|---|---|---|\n"
        + "\n".join(_markdown_row(scores[shot.name]) for shot in shots),
    ]
    for shot in shots:
        wrong = misses(scores[shot.name])
        parts += [f"## {shot.title}", shot.about, seen.get(shot.name, "")]
        parts += ["Below its bars: " + "; ".join(wrong) + "."] if wrong else []
        parts.append(f"![{shot.title}]({shot.name}.jpg)")
    return "\n\n".join(part for part in parts if part) + "\n"


def _markdown_row(score: ShotScores) -> str:
    takes = " | ".join(
        f"{score.scores[method].psnr_db:.1f} dB ({score.gain_db(method):+.1f})"
        for method in (CONTROLLED, FREE)
    )
    wrong = len(misses(score))
    return (
        f"| {score.title} | {'yes' if score.corresponds else 'no'} | {takes} | "
        f"{score.scores[FLOW].psnr_db:.1f} dB | {f'**{wrong}**' if wrong else 'none'} |"
    )


def text_table(scores: Sequence[ShotScores], size: tuple[int, int]) -> str:
    """Plain text for a terminal: a line for each shot and method, then what misses a bar."""
    lines = [f"{size[0]}x{size[1]}", f"{'':<24}   PSNR  -flow  moving    SSIM  edges  faint"]
    for score in scores:
        lines.append(f"{score.name} ({'' if score.corresponds else 'no '}corresponding strokes)")
        for method in METHODS:
            one = score.scores[method]
            lines.append(
                f"  {method:<22} {one.psnr_db:6.2f} {score.gain_db(method):+6.2f}  "
                f"{one.moving_psnr_db:6.2f}  {one.ssim:.4f}  {one.edge_energy:5.1%}"
                f"  {one.faint_lines:5.2f}"
            )
        lines += [f"    below the bar: {line}" for line in misses(score)]
    return "\n".join(lines)
