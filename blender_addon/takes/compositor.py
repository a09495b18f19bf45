"""Places a take in the compositor: image nodes, an Alpha Over stack and a switch before the output.

What the scene showed before stays: it becomes the switch's off side, shown outside the take's
frames and whenever the artist turns the switch off.
"""

from __future__ import annotations

import bpy

from .images import load_sequence, set_timing, timing_of
from .library import Take

_COLUMN, _ROW = 260.0, 300.0


def place_in_compositor(context: bpy.types.Context, take: Take) -> bpy.types.Node:
    """Append the take to the scene's compositor; returns the new frame node. Raises `import`."""
    was_off = _is_switched_off(context.scene)
    tree = compositor_tree(context.scene)
    output = _output_socket(tree)
    before = output.links[0].from_socket if output.links else None
    if was_off:
        # The artist's own chain was not in use: off shows the plain render, as it did so far.
        before = _plain_render(tree, context.scene)
    left, top = _free_corner(tree)
    frame = tree.nodes.new("NodeFrame")
    frame.label = frame.name = take.title
    top_socket = None
    timing = timing_of(take)
    layers = sorted(take.manifest.layers, key=lambda layer: layer.order)
    for index, layer in enumerate(layers):
        picture = tree.nodes.new("CompositorNodeImage")
        picture.image = load_sequence(take, layer.folder, f"{take.title} {layer.name}")
        picture.label = layer.name
        set_timing(picture, timing)
        picture.location = (left, top - index * _ROW)
        picture.parent = frame
        if top_socket is None:
            top_socket = picture.outputs["Image"]
            continue
        over = _alpha_over(tree, top_socket, picture.outputs["Image"])
        over.location = (left + index * _COLUMN, top - index * _ROW / 2)
        over.parent = frame
        top_socket = over.outputs["Image"]
    switch = tree.nodes.new("CompositorNodeSwitch")
    switch.label = take.title
    switch.location = (left + (len(layers) + 1) * _COLUMN, top)
    switch.parent = frame
    off, on = [socket for socket in switch.inputs if socket.type == "RGBA"]
    if before is not None:
        tree.links.new(before, off)
    if top_socket is not None:
        tree.links.new(top_socket, on)
    tree.links.new(switch.outputs["Image"], output)
    _switch_by_frame(switch, timing.start, timing.end)
    return frame


def compositor_tree(scene: bpy.types.Scene) -> bpy.types.NodeTree:
    """The scene's compositor tree, made with render layers and an output where there is none.

    A group that others use too is copied for this scene, so that the take shows in no other one.
    """
    if hasattr(scene, "compositing_node_group"):
        group = scene.compositing_node_group
        if group is None:
            scene.compositing_node_group = _new_group(scene)
        elif group.users - int(group.use_fake_user) > 1:
            scene.compositing_node_group = group.copy()
        return scene.compositing_node_group
    scene.use_nodes = True
    return scene.node_tree


def _is_switched_off(scene: bpy.types.Scene) -> bool:
    """Whether a tree is there that the render does not use (before 5.0)."""
    if hasattr(scene, "compositing_node_group"):
        return False
    return scene.node_tree is not None and not scene.use_nodes


def _plain_render(tree: bpy.types.NodeTree, scene: bpy.types.Scene) -> bpy.types.NodeSocket:
    layers = tree.nodes.new("CompositorNodeRLayers")
    layers.scene = scene
    left, top = _free_corner(tree)
    layers.location = (left - _COLUMN, top)
    return layers.outputs["Image"]


def _new_group(scene: bpy.types.Scene) -> bpy.types.NodeTree:
    group = bpy.data.node_groups.new(f"{scene.name} Compositing", "CompositorNodeTree")
    group.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    layers = group.nodes.new("CompositorNodeRLayers")
    layers.scene = scene
    output = group.nodes.new("NodeGroupOutput")
    output.location = (_COLUMN * 2, 0.0)
    group.links.new(layers.outputs["Image"], output.inputs["Image"])
    return group


def _output_socket(tree: bpy.types.NodeTree) -> bpy.types.NodeSocket:
    """The socket that the render takes its picture from; an output is made where none is."""
    kind = "NodeGroupOutput" if tree.bl_idname == "CompositorNodeTree" and _is_group(tree) else ""
    kind = kind or "CompositorNodeComposite"
    outputs = [node for node in tree.nodes if node.bl_idname == kind]
    active = [node for node in outputs if getattr(node, "is_active_output", True)]
    node = (active or outputs or [None])[0]
    if node is None:
        if kind == "NodeGroupOutput" and not any(
            item.item_type == "SOCKET" and item.in_out == "OUTPUT"
            for item in tree.interface.items_tree
        ):
            tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        node = tree.nodes.new(kind)
    return next(socket for socket in node.inputs if socket.type == "RGBA")


def _is_group(tree: bpy.types.NodeTree) -> bool:
    """Whether outputs are group outputs (5.0 and later) instead of Composite nodes."""
    return not hasattr(bpy.types, "CompositorNodeComposite") or tree.name in bpy.data.node_groups


def _alpha_over(
    tree: bpy.types.NodeTree, below: bpy.types.NodeSocket, above: bpy.types.NodeSocket
) -> bpy.types.Node:
    over = tree.nodes.new("CompositorNodeAlphaOver")
    # 4.5 gives both picture sockets the same name, so take them in order.
    pictures = [socket for socket in over.inputs if socket.type == "RGBA"]
    tree.links.new(below, pictures[0])
    tree.links.new(above, pictures[1])
    return over


def _free_corner(tree: bpy.types.NodeTree) -> tuple[float, float]:
    """Below everything that is there."""
    places = [node.location for node in tree.nodes]
    if not places:
        return 0.0, 0.0
    return min(place.x for place in places), min(place.y for place in places) - 2 * _ROW


def _switch_by_frame(switch: bpy.types.Node, start: int, end: int) -> None:
    """On inside the take's frames: a driver, so that no action of the artist is touched."""
    sockets = [socket for socket in switch.inputs if socket.type == "BOOLEAN"]
    curve = sockets[0].driver_add("default_value") if sockets else switch.driver_add("check")
    curve.driver.type = "SCRIPTED"
    curve.driver.expression = f"frame >= {start} and frame <= {end}"
