"""The objective sees a clip as inference does, whatever else is in the batch."""

from __future__ import annotations

import msgspec
import numpy as np
import torch

from backend.models.layeranimate.clip import ClipConditions, ClipTokens, SampleSettings
from backend.pipeline.condition import encode, prepare, without_unused_slots
from backend.pipeline.sample import denoise
from tests.training.layeranimate.moving import RULES, drawn, samples_of, tiny_module
from training.layeranimate.batch import LayerBatch
from training.layeranimate.encode import as_moments
from training.layeranimate.objective import LayerAnimateModule, decoded, sampled
from training.run.feed import stacked
from training.run.task import Sample


def _prediction(module: LayerAnimateModule, samples: list[Sample]) -> torch.Tensor:
    """v of all samples at their own time steps."""
    with torch.no_grad():
        batch = LayerBatch.of(stacked(samples))
        encoded = module.encode(batch)
        return module.predict(encoded, batch.steering.noise, batch.steering.timestep)


def _conditions(sample: Sample) -> ClipConditions:
    """The same clip as inference is given it."""
    slots = len(sample["layer_validity"])
    keys = [0, -1] if bool(sample["two_keys"]) else [0]
    labels = sample["labels"].numpy()
    frames = np.float32(1 / 255) * sample["video"][keys].numpy().transpose(0, 2, 3, 1)
    masks = np.stack([labels[keys] == slot + 1 for slot in range(slots)]).astype(np.float32)
    shown = sample["sketch_regions"].numpy()
    sketch = np.stack(
        [np.where(shown[slot][labels], sample["sketch"].numpy(), 255) for slot in range(slots)]
    )
    tracks = [
        sample["tracks"][slot][sample["tracked"][slot]].numpy().swapaxes(0, 1)
        for slot in range(slots)
    ]
    text, image = sample["text"].numpy(), sample["image"].numpy()
    return ClipConditions(
        frames=frames.astype(np.float32),
        layer_masks=masks,
        layer_static=sample["layer_static"].numpy(),
        layer_validity=sample["layer_validity"].numpy(),
        motion_scores=sample["scores"].numpy(),
        frames_count=len(labels),
        sketch=(sketch / 255).astype(np.float32),
        tracks=tuple(tracks),
        fps=float(sample["fps"]),
        tokens=ClipTokens(text=text, neutral_text=text, image=image, neutral_image=image),
    )


def test_training_predicts_what_inference_predicts() -> None:
    module = tiny_module()
    rules = msgspec.structs.replace(RULES, single_key=1.0)  # tiny models have no two-key decoder
    source = samples_of(rules=rules)
    samples = [drawn(source, index, seed) for index, seed in ((0, 1), (1, 2), (0, 3))]
    for sample in samples:
        sample["timestep"] = torch.tensor(999)
    ours = _prediction(module, samples)
    for sample, found in zip(samples, ours, strict=True):
        conditions = _conditions(sample)
        assert conditions.tokens is not None
        with torch.inference_mode():
            clip = encode(
                module.model, prepare(without_unused_slots(conditions)), conditions.tokens
            )
            settings = SampleSettings(steps=1, guidance_scale=1.0, eta=0.0)
            (step,) = denoise(module.model, clip, settings, sample["noise"].unsqueeze(0))
        torch.testing.assert_close(found, step.predictions[0], rtol=0, atol=2e-5)


def test_a_sample_is_computed_alike_alone_and_among_others() -> None:
    module, source = tiny_module(), samples_of(3)
    samples = [drawn(source, index, 10 + index) for index in range(3)]
    counts = {int(sample["layer_validity"].sum()) for sample in samples}
    assert len(counts) > 1  # or packing had nothing to do
    together = _prediction(module, samples)
    alone = torch.cat([_prediction(module, [sample]) for sample in samples])
    torch.testing.assert_close(together, alone, rtol=0, atol=2e-5)


def test_what_an_empty_slot_holds_changes_nothing() -> None:
    module, source = tiny_module(), samples_of(3)
    sample = next(
        found
        for found in (drawn(source, 0, seed) for seed in range(50))
        if not bool(found["layer_validity"].all())
    )
    before = _prediction(module, [sample])
    empty = ~sample["layer_validity"]
    sample["scores"] = torch.where(empty, 0.7, sample["scores"])
    sample["layer_static"] = sample["layer_static"] | empty
    assert torch.equal(_prediction(module, [sample]), before)


def test_kept_moments_give_the_losses_of_their_pictures() -> None:
    module = tiny_module()
    source = samples_of(2, msgspec.structs.replace(RULES, sample_posterior=True))
    batch = stacked([drawn(source, index, 20 + index) for index in range(2)])
    kept = as_moments(module, LayerBatch.of(batch)).named()
    assert "video" not in kept
    with torch.no_grad():
        torch.testing.assert_close(module(kept), module(batch), rtol=0, atol=1e-5)


def test_sampling_is_the_same_every_time_and_has_the_clips_shape() -> None:
    module, source = tiny_module(), samples_of()
    batch = stacked([drawn(source, 0, 4)])
    first, second = (module(batch, sampled(2)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == batch["noise"].shape


def test_bfloat16_losses_are_the_same_while_learning_and_while_looking() -> None:
    module = tiny_module().eval()
    batch = stacked([drawn(samples_of(1), 0, 5)])
    with torch.autocast("cpu", torch.bfloat16):
        learning = module(batch)
        with torch.no_grad():
            looking = module(batch)
            shown = module(batch, decoded(sampled(1)))
    torch.testing.assert_close(looking, learning.detach())
    assert bool(torch.isfinite(shown).all())
