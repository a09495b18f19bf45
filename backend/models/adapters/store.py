"""Adapters that were imported: found and loaded by name for a request; called by the painter."""

from __future__ import annotations

from backend.models.adapters.factors import Adapter
from backend.models.adapters.files import read_adapter
from backend.models.registry.installed import (
    InstalledModel,
    check_sizes,
    find_installed,
    present_identity,
)
from backend.models.registry.licences import ADAPTER
from shared.errors import AcetateError


def find_adapter(name: str) -> InstalledModel:
    """The imported adapter of a name. Raises `adapter_missing`, or `model_corrupt`."""
    try:
        found = find_installed(name)
    except AcetateError as error:
        if error.name != "model_missing":
            raise
        raise AcetateError("adapter_missing", adapter=name) from error
    if found.manifest.kind != ADAPTER:
        detail = f"{name} is {found.manifest.kind}"
        raise AcetateError("adapter_missing", adapter=name, detail=detail)
    return found


def load_adapter(installed: InstalledModel) -> Adapter:
    """Its matrices, on the CPU. Raises `model_corrupt` where files are not what was imported."""
    check_sizes(installed)
    name = installed.manifest.name
    return read_adapter(installed.folder, name, present_identity(installed))
