"""The request tree: one frozen `ShotRequest` holds everything that affects a pixel.

The add-on, the command line and scripts all make this object; the backend knows nothing else.
Frames are scene frames, coordinates are camera pixels (x right, y down, origin at the top left).
"""

from __future__ import annotations

from enum import Enum
from itertools import pairwise
from typing import Annotated

import msgspec

from .blobs import content_hash, is_content_hash
from .errors import AcetateError

SCHEMA = "acetate.shot/1"
MAX_LAYERS = 64
MAX_ANIMATED_LAYERS = 16
MAX_FRAMES = 1024
MAX_ADAPTERS = 8
MAX_JSON_BYTES = 8 * 1024 * 1024

Frame = Annotated[int, msgspec.Meta(ge=-1_048_574, le=1_048_574)]
Size = Annotated[int, msgspec.Meta(ge=16, le=8192)]
Side = Annotated[int, msgspec.Meta(ge=1, le=16_384)]
Offset = Annotated[int, msgspec.Meta(ge=-65_536, le=65_536)]
Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Prompt = Annotated[str, msgspec.Meta(max_length=2000)]
Unit = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Mode(Enum):
    """How drawings are used: between two keys, or onward from the first one."""

    INTERPOLATE = "interpolate"
    ANIMATE = "animate"


class Role(Enum):
    """What happens to a layer. Guides and ignored layers never come back as pictures."""

    ANIMATE = "animate"
    HOLD = "hold"
    BACKGROUND = "background"
    GUIDE = "guide"
    IGNORE = "ignore"


class PictureRef(msgspec.Struct, frozen=True, kw_only=True):
    """A PNG blob (8-bit RGBA, straight alpha) and where its top-left pixel lies; see `Picture`."""

    blob: Hash
    width: Side
    height: Side
    x: Offset = 0
    y: Offset = 0


class ArrayRef(msgspec.Struct, frozen=True, kw_only=True):
    """An NPZ blob of named arrays; which names is said by whoever refers to it."""

    blob: Hash


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A drawing of one layer at one frame: as pixels, as strokes (`strokes.Drawing`), or both.

    With both, the pixels are the truth and the strokes tell what moved where. A key with neither
    is deliberately empty: the layer shows nothing from here on.
    """

    frame: Frame
    picture: PictureRef | None = None
    strokes: ArrayRef | None = None

    @property
    def is_empty(self) -> bool:
        """True for a deliberately empty drawing."""
        return self.picture is None and self.strokes is None


class MotionScore(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="motion_score"):
    """How lively a layer moves: 0 still, 1 wild (the paper's normalised motion score)."""

    score: Unit


class Trajectory(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="trajectory"):
    """Point tracks: NPZ with `frames` int32 [f] and `points` float32 [f, p, 2] camera pixels.

    Optional `visible` bool [f, p]. Frames are scene frames, ascending; those between two given
    ones are interpolated.
    """

    tracks: ArrayRef


class SketchFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A line drawing, rough or clean, for one frame: strokes, or a picture whose alpha is it."""

    frame: Frame
    picture: PictureRef | None = None
    strokes: ArrayRef | None = None


class Sketch(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="sketch"):
    """Line drawings of where the layer's shapes are, on some or all frames."""

    frames: Annotated[tuple[SketchFrame, ...], msgspec.Meta(max_length=MAX_FRAMES)]


class Chart(Enum):
    """Named spacings: where along the way the drawings of a gap lie.

    `SLOW_OUT` leaves the first key slowly, `SLOW_IN` comes slowly to the last one.
    """

    EVEN = "even"
    SLOW_OUT = "slow_out"
    SLOW_IN = "slow_in"
    SLOW_IN_OUT = "slow_in_out"


Mark = Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]
Marks = Annotated[tuple[Mark, ...], msgspec.Meta(min_length=1, max_length=MAX_FRAMES)]


class Spacing(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="spacing"):
    """The pace between two keys of a layer that no path and no sketch tells; none is automatic.

    `chart`: a name, or marks as on the edge of a drawing: how much of the way lies behind at even
    positions in the gap, never decreasing, strictly between 0 and 1.
    """

    chart: Chart | Marks


Control = MotionScore | Trajectory | Sketch | Spacing


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """One artist's layer. `order` is its place in the stack, 0 lowest; names are unique.

    Opacity, tint and masks are baked into the pictures; `blend` only records the artist's blend
    mode for whoever places the result. At most one control of each kind.
    """

    name: Name
    order: Annotated[int, msgspec.Meta(ge=0, le=65_535)]
    role: Role
    keys: Annotated[tuple[Key, ...], msgspec.Meta(max_length=MAX_FRAMES)] = ()
    controls: Annotated[tuple[Control, ...], msgspec.Meta(max_length=4)] = ()
    exposure: Annotated[int, msgspec.Meta(ge=1, le=12)] | None = None
    group: Annotated[str, msgspec.Meta(max_length=256)] = ""
    blend: Annotated[str, msgspec.Meta(max_length=32)] = "regular"
    prompt: Prompt = ""


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """A style or skill that a model was taught afterwards (LoRA), by its name in the backend.

    `scale`: 1 as it was trained, 0 without effect.
    """

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")]
    scale: Annotated[float, msgspec.Meta(ge=-4.0, le=4.0)] = 1.0


Adapters = Annotated[tuple[Adapter, ...], msgspec.Meta(min_length=1, max_length=MAX_ADAPTERS)]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Which engine makes the picture and how. Engines: `auto`, `layer-motion`, `mini`,
    `layeranimate`; `auto` is the best that the backend has installed.

    `adapters` is absent where none is wanted, so that such requests keep the hash they always had;
    read it by `worn`.
    """

    engine: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")] = "auto"
    preset: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_-]{1,32}$")] = "normal"
    prompt: Prompt = ""
    negative_prompt: Prompt = ""
    steps: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    guidance: Annotated[float, msgspec.Meta(ge=0.0, le=50.0)] = 7.5
    guidance_rescale: Unit = 0.7
    eta: Unit = 1.0
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    takes: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    adapters: Adapters | msgspec.UnsetType = msgspec.UNSET

    @property
    def worn(self) -> tuple[Adapter, ...]:
        """The adapters that are wanted, in the order they are added."""
        return () if isinstance(self.adapters, msgspec.UnsetType) else self.adapters


class ShotRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that affects pixels. `start` and `end` are inclusive scene frames.

    `keys` are the shot's key frames inside the range; empty means: wherever a layer set to
    animate has a key. Raises nothing by itself; call `validate`.
    """

    schema: Annotated[str, msgspec.Meta(pattern=r"^acetate\.shot/1$")] = SCHEMA
    width: Size
    height: Size
    fps: Annotated[float, msgspec.Meta(gt=0.0, le=240.0)]
    start: Frame
    end: Frame
    mode: Mode = Mode.INTERPOLATE
    exposure: Annotated[int, msgspec.Meta(ge=1, le=12)] = 1
    keys: Annotated[tuple[Frame, ...], msgspec.Meta(max_length=MAX_FRAMES)] = ()
    layers: Annotated[tuple[Layer, ...], msgspec.Meta(max_length=MAX_LAYERS)]
    look: Look = Look()

    @property
    def sha256(self) -> str:
        """Hash of the canonical JSON form: equal for equal pictures, whoever made the request."""
        return content_hash(to_json(self))

    @property
    def stack(self) -> tuple[Layer, ...]:
        """Layers that come back as pictures, lowest first."""
        shown = (layer for layer in self.layers if layer.role not in (Role.GUIDE, Role.IGNORE))
        return tuple(sorted(shown, key=lambda layer: layer.order))


def to_json(value: msgspec.Struct) -> bytes:
    """Canonical JSON (sorted keys, no spaces): the form that is hashed and stored.

    Raises `invalid_request` for values that no reader would accept.
    """
    data = msgspec.json.encode(value)
    try:
        # Read back once, so that `fps=24` and `fps=24.0` are the same request.
        value = msgspec.json.decode(data, type=type(value))
    except msgspec.DecodeError as error:
        raise AcetateError("invalid_request", where=str(error)[:60], detail=str(error)) from error
    return msgspec.json.encode(value, order="deterministic")


def shot_from_json(data: bytes) -> ShotRequest:
    """Read and validate a request. Raises `invalid_request` naming the field."""
    if len(data) > MAX_JSON_BYTES:
        raise AcetateError("invalid_request", where="the document is too large")
    try:
        request = msgspec.json.decode(data, type=ShotRequest)
    except (msgspec.DecodeError, RecursionError) as error:
        raise AcetateError("invalid_request", where=str(error)[:60], detail=str(error)) from error
    validate(request)
    return request


def check_range(start: int, end: int) -> None:
    """Raise `invalid_request` where these are no frames of a shot."""
    frames = f"frames {start} to {end}"
    if end < start:
        raise AcetateError("invalid_request", where=f"{frames} run backwards")
    if end - start >= MAX_FRAMES:
        raise AcetateError("invalid_request", where=f"{frames} are more than {MAX_FRAMES}")


def validate(request: ShotRequest) -> None:
    """Check what types cannot say. Raises the first `AcetateError` found."""
    check_range(request.start, request.end)
    if request.width * request.height > 33_000_000:
        raise AcetateError("size", width=request.width, height=request.height)
    if any(not request.start <= key <= request.end for key in request.keys):
        raise AcetateError("invalid_request", where="a key lies outside the frame range")
    _check_names(request)
    _check_adapters(request.look)
    animated = [layer for layer in request.layers if layer.role is Role.ANIMATE]
    if not animated:
        raise AcetateError("no_layers")
    if len(animated) > MAX_ANIMATED_LAYERS:
        raise AcetateError("too_many_layers", count=len(animated), limit=MAX_ANIMATED_LAYERS)
    for layer in request.layers:
        _check_layer(layer)


def _check_names(request: ShotRequest) -> None:
    seen: set[str] = set()
    for layer in request.layers:
        if layer.name in seen:
            raise AcetateError("duplicate_layer", layer=layer.name)
        seen.add(layer.name)


def _check_adapters(look: Look) -> None:
    names = [adapter.name for adapter in look.worn]
    if len(names) != len(set(names)):
        raise AcetateError("invalid_request", where="an adapter is named twice")


def _check_layer(layer: Layer) -> None:
    frames = [key.frame for key in layer.keys]
    if frames != sorted(set(frames)):
        raise AcetateError("invalid_request", where=f'keys of "{layer.name}" are not ascending')
    kinds = [type(control) for control in layer.controls]
    if len(kinds) != len(set(kinds)):
        raise AcetateError("invalid_request", where=f'"{layer.name}" has two controls of one kind')
    _check_spacing(layer)
    if layer.role is Role.ANIMATE and all(key.is_empty for key in layer.keys):
        frame = frames[0] if frames else "any"
        raise AcetateError("empty_key", layer=layer.name, frame=frame)


def _check_spacing(layer: Layer) -> None:
    for control in layer.controls:
        if isinstance(control, Spacing) and not isinstance(control.chart, Chart):
            marks = control.chart
            if any(later < earlier for earlier, later in pairwise(marks)):
                where = f'the spacing of "{layer.name}" goes back'
                raise AcetateError("invalid_request", where=where)


def blob_hashes(request: ShotRequest) -> tuple[str, ...]:
    """All blobs that the request refers to, each once, in a stable order."""
    found: dict[str, None] = {}

    def note(*refs: PictureRef | ArrayRef | None) -> None:
        found.update((ref.blob, None) for ref in refs if ref is not None)

    for layer in request.layers:
        for key in layer.keys:
            note(key.picture, key.strokes)
        for control in layer.controls:
            if isinstance(control, Trajectory):
                note(control.tracks)
            elif isinstance(control, Sketch):
                for sketch in control.frames:
                    note(sketch.picture, sketch.strokes)
    return tuple(sha256 for sha256 in found if is_content_hash(sha256))


def single_takes(request: ShotRequest) -> tuple[ShotRequest, ...]:
    """One request per take: seeds count up from the request's own."""
    look = request.look
    return tuple(
        msgspec.structs.replace(
            request, look=msgspec.structs.replace(look, seed=look.seed + index, takes=1)
        )
        for index in range(look.takes)
    )
