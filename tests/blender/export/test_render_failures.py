"""What goes wrong while a layer is rendered is called by its name, not by another's."""

from __future__ import annotations

import sys

import bpy
import pytest

from tests.blender import drawings
from tests.blender.conftest import Staged

pytestmark = pytest.mark.blender


def test_a_render_that_fails_is_not_called_a_full_disk(staged: Staged) -> None:
    drawings.new_scene()
    scene = bpy.data.scenes.new("no camera")
    window = staged("export.windows").Window(0, 0, 32, 32)
    with pytest.raises(staged("shared.errors").AcetateError, match="camera") as caught:
        staged("export.render")._render(scene, window)
    assert caught.value.name == "render_failed"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_picture_that_cannot_be_written_is_a_full_disk(staged: Staged) -> None:
    import resource

    scene = drawings.new_scene()
    window = staged("export.windows").Window(0, 0, 64, 64)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(staged("shared.errors").AcetateError, match="E501"):
            staged("export.render")._render(scene, window)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
