"""SAM and SAM 2 from their makers' own files: every size fits, and answers are the makers'."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.models.registry.convert import convert
from curation.backends.automatic import SamSettings
from curation.backends.build import built
from curation.backends.choose import BackendSettings, choose
from curation.backends.makers_file import Layout, MakersFile
from curation.backends.prompted_model import PromptedModel
from curation.backends.sam2_layout import LAYOUT as SAM2
from curation.backends.sam_layout import LAYOUT as SAM
from curation.backends.transformers_folder import load_model
from curation.stages.chain import ChainSettings
from shared.errors import AcetateError

from .drawn_weights import lively, picture, write
from .makers_tables import shapes_of, told

pytest.importorskip("transformers")

LAYOUTS = {"sam": SAM, "sam2": SAM2}
SMALLEST = {"sam": "small", "sam2": "cut_down"}
OFFICIAL = {"sam": "sam_vit_b_01ec64", "sam2": "sam2.1_hiera_tiny"}
WHOLE = {"sam": "SamModel", "sam2": "Sam2VideoModel"}
POINTS = np.array([[64, 48], [10, 90], [100, 20]], np.float32)

Shapes = dict[str, tuple[int, ...]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights with what users have: pickled files, made safetensors."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("makers")
    for backend, stem in OFFICIAL.items():
        tensors = lively(shapes_of(backend, SMALLEST[backend]))
        pickled = folder / f"{stem}.pth"
        torch.save({"model": tensors} if backend == "sam2" else tensors, pickled)
        (folder / backend).mkdir()
        convert(pickled, folder / backend / f"{stem}.safetensors")
    return folder


def _file(backend: str, shapes: Shapes) -> MakersFile:
    return MakersFile(Path("weights") / "file.safetensors", backend, shapes)


def _sampled(values: Tensor) -> np.ndarray:
    """48 of all, evenly, as the tables have them."""
    flat = values.detach().reshape(-1)
    return flat[np.linspace(0, len(flat) - 1, 48).astype(int)].numpy()


@pytest.mark.parametrize(
    ("backend", "size"), [(backend, size) for backend in LAYOUTS for size in told(backend)["sizes"]]
)
def test_every_published_size_is_told_and_each_tensor_has_its_place(
    backend: str, size: str
) -> None:
    layout, shapes = LAYOUTS[backend], shapes_of(backend, size)
    config = layout.checked(_file(backend, shapes))
    with torch.device("meta"):
        import transformers

        keys = getattr(transformers, layout.whole)(config).state_dict()
    named = [name for key in keys for name in layout.names(key)]
    assert set(named) == set(shapes)
    twice = {name for name in named if named.count(name) > 1}
    assert all(name.endswith("gaussian_matrix") for name in twice)


def test_settings_told_of_shapes_are_those_that_transformers_publishes() -> None:
    from transformers import Sam2VideoConfig, SamConfig

    base = SAM.checked(_file("sam", shapes_of("sam", "vit_b")))
    assert base.to_dict() == SamConfig().to_dict()
    tiny = SAM2.checked(_file("sam2", shapes_of("sam2", "tiny")))
    assert tiny.to_dict() == Sam2VideoConfig().to_dict()
    huge = SAM.checked(_file("sam", shapes_of("sam", "vit_h"))).vision_config
    assert (huge.num_attention_heads, huge.global_attn_indexes) == (16, [7, 15, 23, 31])
    large = SAM2.checked(_file("sam2", shapes_of("sam2", "large"))).vision_config.backbone_config
    assert large.num_attention_heads_per_stage == [2, 4, 8, 16]
    assert large.window_size_per_stage == [8, 4, 16, 8]
    first = SAM2.checked(_file("sam2", shapes_of("sam2", "first_release_tiny")))
    assert not first.enable_occlusion_spatial_embedding
    assert not first.enable_temporal_pos_encoding_for_object_pointers


@pytest.mark.parametrize(("backend", "model_class"), [("sam", "SamModel"), ("sam2", "Sam2Model")])
def test_masks_are_those_of_the_makers_own_network(
    weights: Path, backend: str, model_class: str
) -> None:
    model = LAYOUTS[backend].load(weights / backend, model_class, "cpu")
    side = model.config.prompt_encoder_config.image_size
    network = PromptedModel(model, "cpu", side, keeps_shape=backend == "sam")
    network.look(picture(96, 128))
    logits, quality = network.ask(POINTS)
    published = told(backend)["answers"]
    assert list(logits.shape) == published["shape"]
    furthest = np.abs(_sampled(logits) - published["logits"]).max()
    assert furthest < 1e-3 * published["spread"]
    assert np.allclose(quality.numpy(), published["quality"], atol=1e-3)


def test_the_memory_of_films_is_that_of_the_makers_own_network(weights: Path) -> None:
    model = SAM2.load(weights / "sam2", "Sam2VideoModel", "cpu")
    given = lively(
        {
            "pixels": (1, 128, 64, 64),
            "mask": (1, 1, 1024, 1024),
            "now": (4096, 1, 128),
            "memory": (4098, 1, 64),
            "places": (4098, 1, 64),
            "token": (1, 128),
            "pointer": (1, 128),
        }
    )
    with torch.inference_mode():
        found: dict[str, Tensor] = {
            "encoder": model.memory_encoder(given["pixels"] * 10, given["mask"] * 100)[0],
            "attention": model.memory_attention(
                given["now"] * 10,
                memory=given["memory"] * 10,
                current_vision_position_embeddings=given["now"],
                memory_posision_embeddings=given["places"] * 10,
                num_object_pointer_tokens=2,
            ),
            "pointer": model.object_pointer_proj(given["token"]),
            "time": model.temporal_positional_encoding_projection_layer(given["pointer"]),
        }
    for part, published in told("sam2")["memory"].items():
        furthest = np.abs(_sampled(found[part]) - published["values"]).max()
        assert furthest < 1e-3 * published["spread"], part


@pytest.mark.parametrize("backend", LAYOUTS)
def test_the_same_weights_in_a_folder_of_transformers_are_the_same_network(
    weights: Path, tmp_path: Path, backend: str
) -> None:
    theirs = LAYOUTS[backend].load(weights / backend, WHOLE[backend], "cpu")
    theirs.config.save_pretrained(tmp_path)
    kept = theirs.state_dict()
    write(tmp_path, "model.safetensors", {key: value.clone() for key, value in kept.items()})
    ours = load_model(WHOLE[backend], tmp_path, "cpu", backend)
    assert _settings(ours) == _settings(theirs)
    assert all(torch.equal(value, kept[key]) for key, value in ours.state_dict().items())
    buffers = dict(theirs.named_buffers())
    assert all(torch.equal(value, buffers[key]) for key, value in ours.named_buffers())


def _settings(model: Any) -> dict[str, object]:  # noqa: ANN401 - of one of two classes
    whole = json.loads(model.config.to_json_string(use_diff=False))
    place = ("architectures", "dtype", "_name_or_path")
    return {key: value for key, value in whole.items() if key not in place}


def _left_out(key: str) -> Callable[[Shapes], Shapes]:
    return lambda shapes: {name: shape for name, shape in shapes.items() if name != key}


def _other(key: str, *shape: int) -> Callable[[Shapes], Shapes]:
    return lambda shapes: shapes | {key: shape}


FIRST = "image_encoder.blocks.0."
TRUNK = "image_encoder.trunk."


@pytest.mark.parametrize(
    ("backend", "changed", "said"),
    [
        ("sam", _left_out("mask_decoder.iou_token.weight"), "missing, such as mask_decoder.iou_"),
        ("sam", _left_out("image_encoder.pos_embed"), "image_encoder.pos_embed is missing"),
        ("sam", _left_out(f"{FIRST}attn.rel_pos_h"), f"{FIRST}attn.rel_pos_h"),
        ("sam", _other("image_encoder.adapter.weight", 3), "too many, such as image_encoder.ada"),
        ("sam", _other(f"{FIRST}norm1.bias", 17), f"{FIRST}norm1.bias is [17] and must be [16]"),
        ("sam", _other("image_encoder.pos_embed", 1, 0, 0, 16), "no size can be told"),
        ("sam", _other(f"{FIRST}attn.rel_pos_h", 5, 7), "7 columns and 16 channels"),
        ("sam", _other("image_encoder.neck.0.weight", 9, 16, 1, 1), "do not go together"),
        ("sam", lambda _: {}, "image_encoder.patch_embed.proj.weight is missing"),
        ("sam2", _left_out("no_mem_pos_enc"), "missing, such as no_mem_pos_enc"),
        ("sam2", _left_out("obj_ptr_tpos_proj.weight"), "too many, such as obj_ptr_tpos_proj.bias"),
        ("sam2", _left_out("sam_prompt_encoder.point_embeddings.2.weight"), "point_embeddings.2"),
        ("sam2", _left_out(f"{TRUNK}blocks.3.proj.weight"), "blocks are 1 + 9 + 2"),
        ("sam2", _other(f"{TRUNK}pos_embed", 1, 12, 7, 7), "must be"),
        ("sam2", _other("memory_encoder.out_proj.weight", 32, 128, 1, 1), "must be"),
    ],
)
def test_what_does_not_fit_is_told_by_the_makers_own_names(
    backend: str, changed: Callable[[Shapes], Shapes], said: str
) -> None:
    shapes = changed(shapes_of(backend, SMALLEST[backend]))
    with pytest.raises(AcetateError) as caught:
        LAYOUTS[backend].checked(_file(backend, shapes))
    assert caught.value.name == "weights_unfit"
    assert said in str(caught.value.detail)


@pytest.mark.parametrize("layout", [SAM, SAM2])
def test_a_file_of_another_network_is_refused(tmp_path: Path, layout: Layout) -> None:
    write(tmp_path, layout.files[0], lively({"module.conv.weight": (4, 4)}))
    with pytest.raises(AcetateError) as caught:
        layout.load(tmp_path, layout.whole, "cpu")
    assert caught.value.name == "weights_unfit"
    (tmp_path / layout.files[0]).write_bytes(b"not safetensors at all")
    with pytest.raises(AcetateError) as caught:
        layout.load(tmp_path, layout.whole, "cpu")
    assert caught.value.name == "weights_unfit"


@pytest.mark.parametrize(
    ("lying", "made"),
    [
        ("sam_vit_h_4b8939.pth", "sam_vit_h_4b8939.safetensors"),
        ("cartoon-sam.pth", "sam.safetensors"),
        ("pytorch_model.bin", "model.safetensors"),
    ],
)
def test_a_pickled_file_is_not_opened_but_told_how_to_be_made_fit(
    tmp_path: Path, lying: str, made: str
) -> None:
    folder = tmp_path / "sam"
    folder.mkdir()
    (folder / lying).write_bytes(b"")
    with pytest.raises(AcetateError) as caught:
        choose(BackendSettings(segment="sam"), tmp_path)
    assert caught.value.name == "weights_missing"
    command = f"acetate models convert {folder / lying} -o {folder / made}"
    assert command in str(caught.value.detail)


def test_the_chain_takes_the_makers_files_by_itself(weights: Path) -> None:
    assert choose(None, weights)["segment"].name == "sam2"
    ways = SamSettings(points=2, quality=-9.0, stability=0.0, least_px=20)
    frame = picture(48, 64)
    cut = built(ChainSettings(), choose(BackendSettings(segment="sam", sam=ways), weights)).segment
    labels = cut(frame)
    assert labels.shape == (48, 64)
    assert set(np.unique(labels)) == set(range(int(labels.max()) + 1))
    film = np.stack([frame, np.roll(frame, 2, axis=1)])
    first = np.zeros((48, 64), np.int32)
    follow = built(ChainSettings(), choose(BackendSettings(propagate="sam2"), weights)).propagate
    assert np.array_equal(follow(film, first, np.stack([first, first])), np.stack([first, first]))
