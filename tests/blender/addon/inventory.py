"""Lists what a file holds, value by value, so that tests can prove that nothing was altered."""

from __future__ import annotations

from typing import Any

import bpy

Inventory = dict[str, dict[str, Any]]
# Bookkeeping of Blender itself: user counts and what they imply.
_SKIPPED = {"users", "is_evaluated", "session_uid", "is_runtime_data", "tag", "rna_type"}
# Blender's own buffers, which come and go.
_BUFFERS = {"Viewer Node", "Render Result"}
_COLLECTIONS = (
    "actions",
    "cameras",
    "collections",
    "grease_pencils",
    "grease_pencils_v3",
    "images",
    "materials",
    "meshes",
    "node_groups",
    "objects",
    "scenes",
)


def furnish_scene() -> None:
    """Give the open file things of an artist: a drawing, keys, a compositor tree and a strip."""
    scene = bpy.context.scene
    bpy.ops.object.grease_pencil_add(type="STROKE")
    drawing = bpy.context.object
    drawing.location = (1.0, 2.0, 3.0)
    drawing.keyframe_insert("location", frame=1)
    if hasattr(scene, "compositing_node_group"):
        tree = bpy.data.node_groups.new("Mine", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        output = tree.nodes.new("NodeGroupOutput")
        scene.compositing_node_group = tree
    else:
        scene.use_nodes = True
        tree = scene.node_tree
        output = next(node for node in tree.nodes if node.bl_idname == "CompositorNodeComposite")
    blur = tree.nodes.new("CompositorNodeBlur")
    tree.links.new(blur.outputs[0], output.inputs[0])
    editor = scene.sequence_editor_create()
    editor.strips.new_effect("Mine", "COLOR", 2, 1, **_effect_length(20))
    scene.frame_set(1)


def _effect_length(frames: int) -> dict[str, int]:
    return {"length": frames} if bpy.app.version >= (5, 0, 0) else {"frame_end": frames + 1}


def inventory() -> Inventory:
    """Every data-block, node, strip and object by name with its plain values."""
    found: Inventory = {}
    for name in _COLLECTIONS:
        for block in getattr(bpy.data, name, ()):
            if block.name not in _BUFFERS:
                found[f"{name}/{block.name}"] = _values(block)
    for scene in bpy.data.scenes:
        found |= _tree(scene, getattr(scene, "node_tree", None))
        editor = scene.sequence_editor
        for strip in editor.strips if editor else ():
            found[f"strip/{strip.name}"] = _values(strip)
        found[f"render/{scene.name}"] = _values(scene.render)
        found[f"view/{scene.name}"] = _values(scene.view_settings)
    for tree in bpy.data.node_groups:
        found |= _tree(tree, tree)
    return found


def whole_inventory() -> Inventory:
    """The inventory with the links of all node trees, which appending a take re-routes."""
    found = inventory()
    trees = [*bpy.data.node_groups]
    trees += [tree for scene in bpy.data.scenes if (tree := getattr(scene, "node_tree", None))]
    for tree in trees:
        links = sorted(f"{link.from_node.name}>{link.to_node.name}" for link in tree.links)
        found[f"links/{tree.name}"] = {"links": links}
    return found


def _tree(owner: bpy.types.ID, tree: bpy.types.NodeTree | None) -> Inventory:
    nodes = tree.nodes if tree is not None else ()
    return {f"node/{owner.name}/{node.name}": _values(node) for node in nodes}


def _values(thing: bpy.types.bpy_struct) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for prop in thing.bl_rna.properties:
        if prop.identifier in _SKIPPED or prop.type in ("POINTER", "COLLECTION"):
            continue
        value = getattr(thing, prop.identifier)
        is_array = getattr(prop, "is_array", False)
        values[prop.identifier] = _flat(value) if is_array else value
    return values


def _flat(value: Any) -> list[float]:  # noqa: ANN401 (vectors and matrices alike)
    rows = list(value)
    return [cell for row in rows for cell in row] if rows and hasattr(rows[0], "__len__") else rows
