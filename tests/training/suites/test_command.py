"""`acetate evaluate suite`: its table, document and report; its mistakes are in the catalogue."""

from __future__ import annotations

import argparse
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from curation.dataset.writer import ShardWriter
from shared.errors import AcetateError
from training.evaluate import register
from training.suites.summary import SuitesDocument

from .clips import crossing

_QUICK = ("--size", "64x40", "--frames", "5", "--clips", "2", "--seed", "20")


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    args = parser.parse_args(["evaluate", "suite", *arguments])
    return args.run(args)


class _Page(HTMLParser):
    """What a browser would fetch, and where its anchors lead."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.anchors: set[str] = set()
        self.targets: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if "id" in given:
            self.anchors.add(given["id"])
        if tag == "a":
            self.targets.add(given["href"])
        elif "src" in given or tag in ("link", "script"):
            self.sources.append(given.get("src", tag))


def test_all_suites_give_a_report_that_opens_from_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "report"
    assert _run("all", *_QUICK, "--model", "layer-motion", "--report", str(folder), "--json") == 0
    printed = capsys.readouterr().out
    document = json.loads(printed)
    assert document["schema"] == "acetate.suites/1"
    assert len(document["suites"]) == 6
    assert document["random_features"] == ["rLPIPS", "rFID", "rFVD"]
    assert msgspec.json.decode((folder / "evaluation.json").read_bytes()) == document
    msgspec.json.decode(printed, type=SuitesDocument)
    page = _Page()
    text = (folder / "index.html").read_text("utf-8")
    page.feed(text)
    assert page.sources
    assert all(source.startswith("data:image/webp;base64,") for source in page.sources)
    assert {target.removeprefix("#") for target in page.targets} <= page.anchors
    for word in ("rLPIPS", "Random features", "worst", "prefers-color-scheme", "layer-motion"):
        assert word in text
    assert not re.search(r"https?://", text)


def test_one_suite_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("interpolation-trajectory", *_QUICK, "--model", "layer-motion") == 0
    table = capsys.readouterr().out
    for word in ("truth", "rigid-warp", "layer-motion - rigid", "rLPIPS", "static left out"):
        assert word in table


def test_a_data_set_can_be_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ShardWriter(tmp_path / "clips") as writer:
        writer.add(crossing())
    arguments = ("--data", str(tmp_path / "clips"), "--frames", "4", "--size", "96x64", "--json")
    assert _run("i2v-sketch", *arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["source"] == "data set clips"
    suite = document["suites"]["i2v-sketch"]
    assert (suite["clips"], list(suite["clips_by_stratum"])) == (1, ["fast"])  # four of six frames
    assert set(suite["methods"]) == {"truth", "hold", "rigid-warp", "layer-motion", "mini"}
    with pytest.raises(AcetateError, match="longest has 6"):
        _run("i2v", "--data", str(tmp_path / "clips"), "--frames", "9")


def test_studio_scenes_can_be_evaluated(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--stream", "studio", "--clips", "1", "--size", "64x48", "--frames", "5")
    assert _run("i2v", *arguments, "--model", "layer-motion", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["source"] == "studio clips"
    assert set(document["suites"]["i2v"]["methods"]) == {"truth", "hold", "layer-motion"}


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("sideways",), "usage"),
        (("i2v", "--frames", "2"), "usage"),
        (("i2v", "--model", "nobody"), "model_missing"),
        (("i2v", "--lpips", "no/such.safetensors"), "model_missing"),
    ],
)
def test_mistakes_are_named(arguments: tuple[str, ...], name: str) -> None:
    with pytest.raises(AcetateError) as error:
        _run(*arguments)
    assert error.value.name == name
