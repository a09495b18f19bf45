"""What is publicly stated about the licences of models that are imported, and where to read it.

Only what was found in public is written down; everything else says to read the model's page.
"""

from __future__ import annotations

import msgspec

LAYERANIMATE = "layeranimate"
OPENCLIP = "openclip-vit-h-14"
ADAPTER = "layeranimate-adapter"


class Licence(msgspec.Struct, frozen=True, kw_only=True):
    """`id`: an SPDX identifier, or `see-model-page`; `where`: which page to read it on."""

    id: str
    where: str

    @property
    def advice(self) -> str:
        """One sentence for whoever imports the model."""
        if self.id == UNSTATED:
            return f"its licence was not found stated: read {self.where} before you use it"
        return f"its licence is {self.id}: read {self.where} before you use it"


UNSTATED = "see-model-page"
_STATED = {
    LAYERANIMATE: Licence(
        id=UNSTATED,
        where='the page of its weights, "Yuppie1204/LayerAnimate-Mix" on Hugging Face',
    ),
    OPENCLIP: Licence(
        id="MIT",
        where='the page of its weights, "laion/CLIP-ViT-H-14-laion2B-s32B-b79K" on Hugging Face',
    ),
    ADAPTER: Licence(id=UNSTATED, where="what whoever trained it says of it"),
}


def licence_of(kind: str) -> Licence:
    """What is known of a kind's licence."""
    return _STATED.get(kind, Licence(id=UNSTATED, where="the page you had it from"))
