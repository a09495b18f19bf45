"""The list of layers follows the drawing: what was chosen by hand survives any new name."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("bpy")

import bpy

from tests.blender.addon.conftest import Part
from tests.blender.addon.scenes import FIRST, LAST, draw, draw_scene

pytestmark = pytest.mark.blender
_SHAPE = [(0.0, 0.0), (0.2, 0.0), (0.1, 0.2)]


@pytest.fixture
def drawn(saved_file: Path) -> bpy.types.Object:
    """The saved file with a figure that follows the sketch `rough`; chosen by hand."""
    del saved_file
    art = draw_scene()
    for frame in (FIRST, 5, LAST):
        draw(art, "rough", frame, _SHAPE)
    bpy.ops.acetate.layers_sync()
    rows = bpy.context.scene.acetate.layers
    rows["figure"].sketch = "rough"
    rows["figure"].motion = 0.9
    bpy.ops.acetate.layer_role(layer="rough", role="guide")
    return art


def test_a_sketch_is_followed_when_its_name_in_the_list_changes(
    drawn: bpy.types.Object, part: Part
) -> None:
    other = bpy.data.objects.new("Other", drawn.data.copy())
    bpy.context.scene.collection.objects.link(other)
    bpy.ops.acetate.layers_sync()
    rows = bpy.context.scene.acetate.layers
    assert rows["Art/figure"].sketch == "Art/rough"
    assert rows["Art/rough"].role == "guide"
    settings = part("shot_settings").layer_settings(bpy.context.scene)
    sketch = next(one.sketch for one in settings if one.sketch is not None)
    assert (sketch.object_name, sketch.layer_name) == ("Art", "rough")
    bpy.data.objects.remove(other)
    bpy.ops.acetate.layers_sync()
    assert rows["figure"].sketch == "rough"


def test_the_spacing_chosen_in_the_panel_reaches_the_settings(
    drawn: bpy.types.Object, part: Part
) -> None:
    del drawn
    rows = bpy.context.scene.acetate.layers
    rows["figure"].spacing = "slow_in"
    settings = part("shot_settings").layer_settings(bpy.context.scene)
    chosen = {one.layer_name: one.spacing for one in settings}
    assert chosen["bg"] is None
    assert chosen["figure"] is not None
    assert chosen["figure"].value == "slow_in"


def test_a_renamed_layer_keeps_its_role_controls_and_sketch(drawn: bpy.types.Object) -> None:
    drawn.data.layers["rough"].name = "sketch of the fox"
    bpy.ops.acetate.layers_sync()
    drawn.data.layers["figure"].name = "fox"
    bpy.ops.acetate.layers_sync()
    rows = bpy.context.scene.acetate.layers
    assert sorted(row.name for row in rows) == ["bg", "fox", "sketch of the fox"]
    assert rows["sketch of the fox"].role == "guide"
    assert rows["fox"].sketch == "sketch of the fox"
    assert rows["fox"].motion == pytest.approx(0.9)


def test_a_renamed_object_keeps_the_choices_of_all_its_layers(drawn: bpy.types.Object) -> None:
    drawn.name = "Fox"
    bpy.ops.acetate.layers_sync()
    rows = bpy.context.scene.acetate.layers
    assert {row.object_name for row in rows} == {"Fox"}
    assert rows["rough"].role == "guide"
    assert rows["figure"].sketch == "rough"
    assert rows["figure"].motion == pytest.approx(0.9)


def test_a_new_layer_never_inherits_from_a_deleted_one(drawn: bpy.types.Object) -> None:
    drawn.data.layers.remove(drawn.data.layers["rough"])
    draw(drawn, "clouds", FIRST, _SHAPE)
    bpy.ops.acetate.layers_sync()
    rows = bpy.context.scene.acetate.layers
    assert "rough" not in rows
    assert not rows["clouds"].role_is_own


def test_a_sketch_that_is_gone_is_said_and_not_left_out_in_silence(
    drawn: bpy.types.Object, part: Part
) -> None:
    drawn.data.layers.remove(drawn.data.layers["rough"])
    bpy.ops.acetate.layers_sync()
    errors, settings = part("shared.errors"), part("shot_settings")
    with pytest.raises(errors.AcetateError, match=r'E116 .*"rough" of "figure"'):
        settings.layer_settings(bpy.context.scene)
    bpy.context.scene.acetate.layers["figure"].role = "hold"
    assert settings.layer_settings(bpy.context.scene)


def test_a_new_guide_named_after_a_layer_becomes_its_sketch_and_stays_cleared(
    saved_file: Path,
) -> None:
    del saved_file
    art = draw_scene()
    for frame in (FIRST, 5, LAST):
        draw(art, "figure rough", frame, _SHAPE)
    bpy.ops.acetate.layers_sync()
    rows = bpy.context.scene.acetate.layers
    assert rows["figure"].sketch == "figure rough"
    rows["figure"].sketch = ""
    bpy.ops.acetate.layers_sync()
    assert rows["figure"].sketch == ""


def test_a_preset_is_sent_only_where_an_engine_knows_it(
    drawn: bpy.types.Object, part: Part
) -> None:
    del drawn
    scene = bpy.context.scene
    found = part("scene.layers").scan(scene)
    sent = {}
    for engine in ("layeranimate", "layer-motion"):
        for preset in ("final", "draft"):
            scene.acetate.engine, scene.acetate.preset = engine, preset
            sent[engine, preset] = part("shot_settings").shot_settings(scene, found).preset
    assert sent.pop(("layeranimate", "draft")) == "draft"
    assert set(sent.values()) == {"normal"}
