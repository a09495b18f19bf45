"""The towers compute what plain einsums and torch's own transformer compute, in both layouts."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from backend.models.openclip.checkpoint import OFFICIAL, check_towers, load_towers
from backend.models.openclip.encoder import TokenEncoder
from backend.models.openclip.image_tower import CLIP_MEAN, CLIP_STD, normalised
from backend.models.openclip.keys import TRANSFORMERS_MARK, openclip_shapes
from backend.models.openclip.text_tower import TextTower
from shared.errors import AcetateError

from .small import sizes, tensors, write_openclip
from .transformers_layout import write_transformers


def _norm(x: Tensor, state: dict[str, Tensor], key: str) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    return scaled * state[f"{key}.weight"] + state[f"{key}.bias"]


def _plain_block(
    x: Tensor, state: dict[str, Tensor], key: str, heads: int, mask: Tensor | None
) -> Tensor:
    """One block, scores written out: [tokens, width] -> the same."""
    h = _norm(x, state, f"{key}.ln_1")
    thirds = zip(
        state[f"{key}.attn.in_proj_weight"].chunk(3),
        state[f"{key}.attn.in_proj_bias"].chunk(3),
        strict=True,
    )
    q, k, v = (
        (torch.einsum("tc,dc->td", h, weight) + bias).unflatten(1, (heads, -1))
        for weight, bias in thirds
    )
    scores = torch.einsum("qhd,khd->hqk", q, k) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(mask, -math.inf)
    weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
    mixed = torch.einsum("hqk,khd->qhd", weights, v).flatten(1)
    x = x + mixed @ state[f"{key}.attn.out_proj.weight"].T + state[f"{key}.attn.out_proj.bias"]
    h = _norm(x, state, f"{key}.ln_2")
    h = h @ state[f"{key}.mlp.c_fc.weight"].T + state[f"{key}.mlp.c_fc.bias"]
    h = h * 0.5 * (1 + torch.erf(h / math.sqrt(2)))
    return x + h @ state[f"{key}.mlp.c_proj.weight"].T + state[f"{key}.mlp.c_proj.bias"]


def test_text_tokens_are_the_next_to_last_block_normed(tmp_path: Path) -> None:
    chosen, state = sizes(), tensors(sizes())
    towers = load_towers(write_openclip(tmp_path))
    ids = torch.randint(0, 49408, (77,), generator=torch.Generator().manual_seed(1))
    x = state["token_embedding.weight"][ids] + state["positional_embedding"]
    mask = torch.arange(77)[None] > torch.arange(77)[:, None]
    for number in range(chosen.text.layers - 1):
        x = _plain_block(x, state, f"transformer.resblocks.{number}", chosen.text.heads, mask)
    assert torch.allclose(towers.text(ids[None])[0], _norm(x, state, "ln_final"), atol=1e-5)


def test_image_tokens_are_the_whole_last_block_without_norm_or_projection(tmp_path: Path) -> None:
    chosen, state = sizes(), tensors(sizes())
    towers = load_towers(write_openclip(tmp_path))
    picture = torch.rand(1, 3, 40, 64, generator=torch.Generator().manual_seed(2)) * 2 - 1
    seen = normalised(picture, chosen.image.side_px)[0]
    patches = seen.unfold(1, 14, 14).unfold(2, 14, 14)  # [3, grid, grid, 14, 14]
    x = torch.einsum("cghij,wcij->ghw", patches, state["visual.conv1.weight"]).flatten(0, 1)
    x = torch.cat([state["visual.class_embedding"][None], x]) + state["visual.positional_embedding"]
    x = _norm(x, state, "visual.ln_pre")
    for number in range(chosen.image.layers):
        key = f"visual.transformer.resblocks.{number}"
        x = _plain_block(x, state, key, chosen.image.heads, None)
    assert torch.allclose(towers.image(picture)[0], x, atol=1e-5)


def test_the_text_tower_equals_torchs_own_encoder_layers(tmp_path: Path) -> None:
    chosen, state = sizes(), tensors(sizes())
    towers = load_towers(write_openclip(tmp_path))
    ids = torch.randint(0, 49408, (2, 77), generator=torch.Generator().manual_seed(3))
    x = state["token_embedding.weight"][ids] + state["positional_embedding"]
    mask = nn.Transformer.generate_square_subsequent_mask(77)
    for number in range(chosen.text.layers - 1):
        layer = _torch_layer(state, f"transformer.resblocks.{number}", chosen.text.heads)
        x = layer(x, src_mask=mask)
    expected = F.layer_norm(x, x.shape[-1:], state["ln_final.weight"], state["ln_final.bias"])
    assert torch.allclose(towers.text(ids), expected, atol=1e-5)


def _torch_layer(state: dict[str, Tensor], key: str, heads: int) -> nn.TransformerEncoderLayer:
    width = state[f"{key}.ln_1.weight"].shape[0]
    layer = nn.TransformerEncoderLayer(
        width, heads, 4 * width, 0.0, F.gelu, batch_first=True, norm_first=True
    ).eval()
    names = {
        "self_attn.in_proj_": "attn.in_proj_",
        "self_attn.out_proj.": "attn.out_proj.",
        "linear1.": "mlp.c_fc.",
        "linear2.": "mlp.c_proj.",
        "norm1.": "ln_1.",
        "norm2.": "ln_2.",
    }
    kinds = ("weight", "bias")
    layer.load_state_dict(
        {f"{t}{kind}": state[f"{key}.{o}{kind}"] for t, o in names.items() for kind in kinds}
    )
    return layer.requires_grad_(False)


def test_a_later_word_never_changes_an_earlier_token() -> None:
    torch.manual_seed(0)
    tower = TextTower(sizes().text).eval()
    ids = torch.zeros(2, 77, dtype=torch.long)
    ids[1, 40:] = 5
    with torch.no_grad():
        one, other = tower(ids)
    assert torch.equal(one[:40], other[:40])
    assert not torch.allclose(one[40], other[40])


def test_pictures_are_squeezed_smoothly_and_brought_to_clips_units() -> None:
    flat = torch.full((1, 3, 320, 512), 0.5)
    expected = (0.75 - torch.tensor(CLIP_MEAN)) / torch.tensor(CLIP_STD)
    assert torch.allclose(normalised(flat, 224)[0, :, 100, 100], expected, atol=1e-5)
    stripes = (torch.arange(512) % 2).float().expand(1, 3, 320, 512) * 2 - 1
    assert normalised(stripes, 56)[..., 8:-8].std(dim=-1).max() < 0.01  # not sampled, averaged


def test_both_hub_layouts_give_the_same_tokens(tmp_path: Path) -> None:
    one = load_towers(write_openclip(tmp_path / "open_clip"))
    other = load_towers(write_transformers(tmp_path / "hub", tensors(sizes()), sizes()))
    ids = torch.arange(77)[None]
    assert torch.equal(one.text(ids), other.text(ids))
    picture = torch.rand(1, 3, 30, 30)
    assert torch.equal(one.image(picture), other.image(picture))


def test_the_official_sizes_have_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        found = tensors_on_meta()
    assert sum(value.numel() for value in found.values()) == 986_109_441


def tensors_on_meta() -> dict[str, Tensor]:
    from backend.models.openclip.image_tower import ImageTower
    from backend.models.openclip.keys import unread_shapes

    found = {key: torch.empty(shape) for key, shape in unread_shapes(OFFICIAL).items()}
    found |= TextTower(OFFICIAL.text).state_dict()
    found |= {f"visual.{k}": v for k, v in ImageTower(OFFICIAL.image).state_dict().items()}
    return found


def _edit_config(folder: Path, text: str) -> None:
    (folder / "open_clip_config.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"model_cfg": []}',
        json.dumps({"model_cfg": {"text_cfg": {"heads": 5}}}),
        json.dumps({"model_cfg": {"quick_gelu": True}}),
        json.dumps({"model_cfg": {"text_cfg": {"heads": "many"}}}),
        json.dumps({"model_cfg": {"vision_cfg": {"head_width": None}}}),
        json.dumps({"model_cfg": {"text_cfg": []}}),
    ],
)
def test_a_configuration_that_does_not_fit_is_told(tmp_path: Path, text: str) -> None:
    folder = write_openclip(tmp_path)
    _edit_config(folder, text)
    with pytest.raises(AcetateError) as caught:
        check_towers(folder)
    assert caught.value.name == "model_corrupt"


def test_a_projection_without_a_shape_is_no_reason_to_stop() -> None:
    key = "text_model.encoder.layers.0.self_attn.q_proj.weight"
    shapes = openclip_shapes({TRANSFORMERS_MARK: (9, 4), key: ()})
    assert shapes["transformer.resblocks.0.attn.in_proj_weight"] == (0,)


def test_neutral_tokens_are_those_of_the_negative_prompt_and_of_middle_grey(tmp_path: Path) -> None:
    encoder = TokenEncoder(load_towers(write_openclip(tmp_path)))
    picture = np.random.default_rng(0).random((32, 48, 3), dtype=np.float32)
    tokens = encoder("a photo of a cat", "", picture)
    assert tokens.text.shape == tokens.neutral_text.shape == (77, 32)
    assert tokens.image.shape == tokens.neutral_image.shape == (5, 32)
    grey = encoder("", "a photo of a cat", np.full((32, 48, 3), 0.5, np.float32))
    assert np.allclose(grey.image, tokens.neutral_image, atol=1e-5)
    assert np.array_equal(grey.neutral_text, tokens.text)
    assert np.array_equal(grey.text, tokens.neutral_text)
    assert not np.allclose(tokens.text, tokens.neutral_text)
