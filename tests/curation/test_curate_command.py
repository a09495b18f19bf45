"""`acetate curate elements`: the label map it writes and the mistakes it names."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from curation.curate import register
from shared.errors import AcetateError
from shared.pictures import encode_png


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    args = parser.parse_args(["curate", *arguments])
    return args.run(args)


def _card(height: int, width: int) -> np.ndarray:
    """Sky over ground with a red square, RGBA; the right edge is transparent."""
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[: height // 2, :, :3] = (90, 160, 230)
    pixels[height // 2 :, :, :3] = (90, 140, 60)
    pixels[height // 4 : height // 2, width // 4 : width // 2, :3] = (220, 40, 30)
    pixels[:, -width // 8 :, 3] = 0
    return pixels


def test_elements_writes_sixteen_bit_labels_from_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, out = tmp_path / "card.png", tmp_path / "labels.png"
    picture.write_bytes(encode_png(_card(96, 160)))
    assert _run("elements", str(picture), "--out", str(out), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    labels = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    assert labels is not None
    assert labels.dtype == np.uint16
    assert labels.shape == (96, 160)
    assert set(np.unique(labels)) == set(range(document["regions"] + 1))
    assert not labels[:, -20:].any()
    assert labels[:, :-20].all()
    sky, square, ground = labels[10, 10], labels[40, 60], labels[80, 60]
    assert len({int(sky), int(square), int(ground)}) == 3
    assert (labels[26:46, 42:78] == square).all()


def test_a_large_picture_keeps_its_size(tmp_path: Path) -> None:
    picture, out = tmp_path / "card.png", tmp_path / "labels.png"
    picture.write_bytes(encode_png(_card(900, 1600)))
    assert _run("elements", str(picture), "--out", str(out)) == 0
    labels = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    assert labels is not None
    assert labels.shape == (900, 1600)


@pytest.mark.parametrize("content", [None, b"", b"GIF89a"])
def test_what_is_no_picture_is_named_and_leaves_nothing(
    tmp_path: Path, content: bytes | None
) -> None:
    picture, out = tmp_path / "card.png", tmp_path / "labels.png"
    if content is not None:
        picture.write_bytes(content)
    with pytest.raises(AcetateError) as caught:
        _run("elements", str(picture), "--out", str(out))
    assert caught.value.spec.name == ("not_found" if content is None else "bad_picture")
    assert not out.exists()
