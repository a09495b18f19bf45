"""The cost of a training step of the released size, against the measured figures."""

from __future__ import annotations

import pytest

from training.layeranimate.cost import meta_module, step_cost
from training.layeranimate.task import tiny_network

TERA = 1e12


def test_a_full_size_step_costs_what_was_measured() -> None:
    cost = step_cost(meta_module(), [4], "all")
    assert cost.forward == pytest.approx(32.6 * TERA, rel=0.05)
    assert cost.total == pytest.approx(98 * TERA, rel=0.05)


def test_empty_slots_cost_nothing() -> None:
    module = meta_module(tiny_network(4))
    by_count = {n: step_cost(module, [n], "all", (32, 32)).total for n in (1, 2, 3)}
    per_slot = by_count[2] - by_count[1]
    assert by_count[3] - by_count[2] == per_slot > 0
    assert step_cost(module, [1, 1], "all", (32, 32)).total == 2 * by_count[1]
