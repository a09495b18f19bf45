"""Rooms import only downwards, nothing imports in a circle, and light rooms stay light."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from .tree import PRODUCT_ROOMS, Import, Source, imports, sources

MAY_IMPORT = {
    "shared": {"shared"},
    "blender_addon": {"blender_addon"},
    "backend": {"backend", "shared"},
    "curation": {"curation", "shared"},
    "training": {"training", "curation", "backend", "shared"},
    "build_steps": {"build_steps"},
    "build.py": {"build_steps"},
}
_OF_BLENDER = {"bpy", "mathutils", "bpy_extras", "gpu", "bl_ui"}
LIGHT = {
    "shared": {"numpy", "zmq", "msgspec"},
    "blender_addon": {*_OF_BLENDER, "numpy", "msgspec", "rna_keymap_ui"},
    "build_steps": set(),
    "build.py": set(),
}
# Inside one function each: decoding pictures is the backend's work, and Blender brings no Pillow.
DEFERRED = {("shared/pictures.py", "PIL")}
# Blender does not support threads that run beside it; the link's own process is not Blender.
NO_THREADS = {"threading", "_thread", "concurrent", "multiprocessing", "asyncio", "queue"}
LINK_PROCESS = {f"blender_addon/link/{name}.py" for name in ("child", "serving", "loop", "work")}
# From the lowest room to the highest; what stands beside them in the folder lies above.
STROKES = "backend.layer_motion.strokes"
STROKE_ROOMS = ("shape", "layout", "matching", "morphing", "course")
OURS = {*PRODUCT_ROOMS, "tests", "examples", "benchmarks", "build_steps"}


def _of_room(room: str) -> Iterator[tuple[Source, Import]]:
    for source in sources():
        if source.room == room:
            yield from ((source, item) for item in imports(source))


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_rooms_import_only_downwards(room: str) -> None:
    wrong = [
        f"{source.path}:{item.line} imports {item.module}"
        for source, item in _of_room(room)
        if (top := item.module.split(".")[0]) in OURS and top not in MAY_IMPORT[room]
    ]
    assert not wrong


@pytest.mark.parametrize("room", sorted(LIGHT))
def test_light_rooms_need_few_packages(room: str) -> None:
    allowed = LIGHT[room] | OURS | set(sys.stdlib_module_names)
    wrong = [
        f"{source.path}:{item.line} imports {item.module}"
        for source, item in _of_room(room)
        if (top := item.module.split(".")[0]) not in allowed
        and ((source.path, top) not in DEFERRED or item in set(imports(source, at_top=True)))
    ]
    assert not wrong


@pytest.mark.parametrize("room", ["shared", "blender_addon"])
def test_rooms_inside_the_extension_import_relatively(room: str) -> None:
    wrong = [
        f"{source.path}:{item.line} imports {item.module}"
        for source, item in _of_room(room)
        if not item.level and item.module.split(".")[0] in OURS
    ]
    assert not wrong


def test_rooms_of_strokes_import_only_downwards() -> None:
    inside = [source for source in sources() if source.module.startswith(STROKES + ".")]
    assert {_rank_of(source.module) for source in inside} == set(range(len(STROKE_ROOMS) + 1))
    wrong = [
        f"{source.path}:{item.line} imports {item.module}"
        for source in inside
        for item in imports(source)
        if item.module.startswith(STROKES) and _rank_of(item.module) > _rank_of(source.module)
    ]
    assert not wrong


def _rank_of(module: str) -> int:
    """Height of the room of strokes that a module lies in; of those beside the rooms, the top."""
    room = module.removeprefix(STROKES + ".").split(".")[0]
    return STROKE_ROOMS.index(room) if room in STROKE_ROOMS else len(STROKE_ROOMS)


def test_nobody_edits_the_import_path() -> None:
    wrong = [source.path for source in sources() if "sys.path" + "." in source.text]
    assert not wrong


def test_no_import_cycles() -> None:
    graph = _module_graph()
    cycles = [group for group in _tangles(graph) if len(group) > 1]
    assert not cycles


def test_no_thread_runs_beside_blender() -> None:
    wrong = [
        f"{source.path}:{item.line} imports {item.module}"
        for source, item in _of_room("blender_addon")
        if item.module.split(".")[0] in NO_THREADS and source.path not in LINK_PROCESS
    ]
    modules = {path.removesuffix(".py").replace("/", ".") for path in LINK_PROCESS}
    modules.add("blender_addon.shared.client")
    wrong += [
        f"{source.path}:{item.line} imports what is the link's process alone"
        for source, item in _of_room("blender_addon")
        if source.path not in LINK_PROCESS
        and modules & {item.module, *(f"{item.module}.{name}" for name in item.names)}
    ]
    assert not wrong


def test_the_links_process_needs_no_blender() -> None:
    by_name = {source.module: source for source in sources()}
    graph, found = _module_graph(), set[str]()
    waiting = [path.removesuffix(".py").replace("/", ".") for path in LINK_PROCESS]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += graph[module]
    assert "blender_addon.takes.library" in found
    assert not [
        f"{name}:{item.line} imports {item.module}"
        for name in sorted(found)
        for item in imports(by_name[name])
        if item.module.split(".")[0] in _OF_BLENDER
    ]


def _module_graph() -> dict[str, set[str]]:
    """Module -> modules of the project it imports when it is itself imported."""
    known = {source.module for source in sources()}
    graph: dict[str, set[str]] = {}
    for source in sources():
        needs: set[str] = set()
        for item in imports(source, at_top=True):
            inner = {f"{item.module}.{name}" for name in item.names} & known
            # `from package import module` needs the module; the package itself is a way station.
            needs |= inner or ({item.module} & known)
        graph[source.module] = needs - {source.module}
    return graph


def _tangles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other: Tarjan's strongly connected components."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            cut = stack.index(node)
            groups.append(stack[cut:])
            del stack[cut:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return groups
