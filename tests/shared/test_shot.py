"""Promises of the request tree: validated by field, hashed by content, nothing of Blender in it."""

from __future__ import annotations

import msgspec
import pytest

from shared.errors import AcetateError
from shared.shot import (
    Adapter,
    ArrayRef,
    Chart,
    Key,
    Layer,
    Look,
    MotionScore,
    PictureRef,
    Role,
    ShotRequest,
    Sketch,
    SketchFrame,
    Spacing,
    Trajectory,
    blob_hashes,
    check_range,
    shot_from_json,
    single_takes,
    to_json,
    validate,
)

PICTURE = PictureRef(blob="a" * 64, width=32, height=32)


def layer(name: str = "hero", **changes: object) -> Layer:
    standard = Layer(name=name, order=1, role=Role.ANIMATE, keys=(Key(frame=1, picture=PICTURE),))
    return msgspec.structs.replace(standard, **changes)


def shot(*layers: Layer, **changes: object) -> ShotRequest:
    standard = ShotRequest(width=64, height=32, fps=24, start=1, end=9, layers=layers or (layer(),))
    return msgspec.structs.replace(standard, **changes)


def code_of(request: ShotRequest) -> str:
    with pytest.raises(AcetateError) as caught:
        validate(request)
    assert len(caught.value.text) <= 80
    assert caught.value.hint
    return caught.value.code


def test_a_request_comes_back_equal_from_json() -> None:
    controls = (
        MotionScore(score=0.5),
        Trajectory(tracks=ArrayRef(blob="b" * 64)),
        Sketch(frames=(SketchFrame(frame=3, picture=PICTURE),)),
    )
    request = shot(layer(controls=controls), look=Look(seed=7), keys=(1, 9))
    restored = shot_from_json(to_json(request))
    assert restored == request
    assert restored.sha256 == request.sha256


def test_whole_numbers_and_fractions_of_the_same_value_hash_alike() -> None:
    assert shot(fps=24).sha256 == shot(fps=24.0).sha256
    assert to_json(shot(fps=24)) == to_json(shot(fps=24.0))


@pytest.mark.parametrize("fps", [float("nan"), float("inf"), 0, -1])
def test_values_that_no_reader_accepts_are_told_before_sending(fps: float) -> None:
    with pytest.raises(AcetateError) as caught:
        to_json(shot(fps=fps))
    assert caught.value.code == "E110"


def test_the_hash_follows_everything_that_affects_pixels() -> None:
    hashes = {
        shot().sha256,
        shot(fps=12).sha256,
        shot(look=Look(seed=1)).sha256,
        shot(exposure=2).sha256,
        shot(layer(name="other")).sha256,
    }
    assert len(hashes) == 5
    assert shot().sha256 == shot().sha256


@pytest.mark.parametrize("count", [0, 17])
def test_no_and_too_many_animated_layers_are_told(count: int) -> None:
    animated = [layer(f"layer {number}", order=number) for number in range(count)]
    request = shot(layer("plate", role=Role.BACKGROUND), *animated)
    assert code_of(request) == ("E104" if count else "E101")


def test_a_layer_with_nothing_but_empty_keys_is_told() -> None:
    assert code_of(shot(layer(keys=(Key(frame=3),)))) == "E105"
    assert code_of(shot(layer(keys=()))) == "E105"


def test_two_layers_of_one_name_are_told() -> None:
    assert code_of(shot(layer("Arm / left"), layer("Arm / left", order=2))) == "E112"


@pytest.mark.parametrize(
    "name", ["Bälle über Köln", "a/b\\c", "  spaces  ", "机器人", "..", "x" * 256]
)
def test_any_name_of_a_layer_is_legal(name: str) -> None:
    request = shot(layer(name))
    validate(request)
    assert shot_from_json(to_json(request)).layers[0].name == name


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"end": 0}, "E110"),
        ({"end": 5000}, "E110"),
        ({"keys": (40,)}, "E110"),
        ({"width": 8192, "height": 8192}, "E107"),
    ],
)
def test_impossible_frames_and_sizes_are_told(changes: dict[str, object], code: str) -> None:
    assert code_of(shot(**changes)) == code


def test_a_frame_range_that_is_refused_says_what_is_wrong_with_it() -> None:
    with pytest.raises(AcetateError, match="frames 5 to -20 run backwards"):
        check_range(5, -20)
    with pytest.raises(AcetateError, match="frames 1 to 1025 are more than 1024"):
        check_range(1, 1025)
    check_range(-1023, 0)


def test_keys_must_ascend_and_controls_differ() -> None:
    twisted = (Key(frame=5, picture=PICTURE), Key(frame=1, picture=PICTURE))
    assert code_of(shot(layer(keys=twisted))) == "E110"
    twice = (MotionScore(score=0.1), MotionScore(score=0.2))
    assert code_of(shot(layer(controls=twice))) == "E110"


@pytest.mark.parametrize("chart", [*Chart, (0.5,), (0.1, 0.1, 0.9)])
def test_a_spacing_comes_back_from_json(chart: Chart | tuple[float, ...]) -> None:
    request = shot(layer(controls=(MotionScore(score=0.5), Spacing(chart=chart))))
    restored = shot_from_json(to_json(request))
    assert restored == request
    assert restored.sha256 != shot(layer(controls=(MotionScore(score=0.5),))).sha256


def test_a_spacing_that_goes_back_is_told() -> None:
    assert code_of(shot(layer(controls=(Spacing(chart=(0.5, 0.4)),)))) == "E110"


@pytest.mark.parametrize(
    "chart", [b'"wobbly"', b"[]", b"[0.0]", b"[1.0]", b"[0.5,2]", b'["even"]', b"0.5", b"null"]
)
def test_a_spacing_that_is_none_is_an_invalid_request(chart: bytes) -> None:
    good = to_json(shot(layer(controls=(Spacing(chart=Chart.EVEN),))))
    with pytest.raises(AcetateError) as caught:
        shot_from_json(good.replace(b'"chart":"even"', b'"chart":' + chart))
    assert caught.value.code == "E110"


def test_a_request_without_spacing_keeps_the_bytes_it_always_had() -> None:
    controls = (MotionScore(score=0.5), Trajectory(tracks=ArrayRef(blob="b" * 64)))
    request = shot(layer(controls=controls))
    assert b"spacing" not in to_json(request)
    assert request.sha256 == "894e3ca811457c66a6accbf393e85c5d0a71ec7aaf652f8ff1b8e8248a1b7a15"


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b'{"schema":"acetate.shot/2"}',
        to_json(shot()).replace(b'"fps":24.0', b'"fps":NaN'),
        to_json(shot()).replace(b'"width":64', b'"width":4'),
        to_json(shot()).replace(b'"width":64', b'"width":99999'),
        to_json(shot()).replace(b"a" * 64, b"../../etc/passwd"),
        b"[" * 100_000,
        b" " * (9 * 1024 * 1024),
    ],
)
def test_damaged_documents_are_invalid_requests(damage: bytes) -> None:
    with pytest.raises(AcetateError) as caught:
        shot_from_json(damage)
    assert caught.value.code == "E110"


def test_blobs_are_named_once_in_a_stable_order() -> None:
    controls = (
        Trajectory(tracks=ArrayRef(blob="c" * 64)),
        Sketch(frames=(SketchFrame(frame=2, strokes=ArrayRef(blob="d" * 64)),)),
    )
    keys = (
        Key(frame=1, picture=PICTURE, strokes=ArrayRef(blob="b" * 64)),
        Key(frame=5, picture=PICTURE),
    )
    request = shot(layer(keys=keys, controls=controls))
    assert blob_hashes(request) == ("a" * 64, "b" * 64, "c" * 64, "d" * 64)


def test_takes_count_their_seeds_up() -> None:
    takes = single_takes(shot(look=Look(seed=5, takes=3)))
    assert [take.look.seed for take in takes] == [5, 6, 7]
    assert {take.look.takes for take in takes} == {1}
    assert len({take.sha256 for take in takes}) == 3


def test_the_stack_is_ordered_and_leaves_guides_out() -> None:
    request = shot(
        layer("top", order=9),
        layer("rough", order=5, role=Role.GUIDE),
        layer("plate", order=0, role=Role.BACKGROUND),
        layer("off", order=3, role=Role.IGNORE),
    )
    assert [entry.name for entry in request.stack] == ["plate", "top"]


def test_requests_are_frozen() -> None:
    with pytest.raises(AttributeError):
        shot().width = 4  # pyright: ignore[reportAttributeAccessIssue]


def test_a_request_without_adapters_keeps_the_hash_it_had_before_there_were_any() -> None:
    plain = shot()
    assert b"adapters" not in to_json(plain)
    worn = Look(adapters=(Adapter(name="ink", scale=0.5),))
    styled = msgspec.structs.replace(plain, look=worn)
    assert styled.sha256 != plain.sha256
    assert shot_from_json(to_json(styled)).look.worn == worn.worn
    assert plain.look.worn == ()


@pytest.mark.parametrize(
    "adapters",
    [
        (),
        (Adapter(name="ink"), Adapter(name="ink", scale=0.5)),
        (Adapter(name="ink", scale=9.0),),
        (Adapter(name="../ink"),),
        tuple(Adapter(name=f"ink{i}") for i in range(9)),
    ],
)
def test_adapters_that_make_no_sense_are_refused(adapters: tuple[Adapter, ...]) -> None:
    request = msgspec.structs.replace(shot(), look=Look(adapters=adapters))
    with pytest.raises(AcetateError) as caught:
        shot_from_json(msgspec.json.encode(request))
    assert caught.value.name == "invalid_request"
