"""What tests say about whose shots they use."""

from __future__ import annotations

from training.data.shot_source import Rights

OURS = Rights(
    rights_holder="The Acetate project",
    licence="Apache-2.0",
    licence_evidence="LICENSE",
    consent_by="The Acetate project",
    consent_date="2026-11-21",
    acquired="2026-11-21",
)
