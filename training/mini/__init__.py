"""Training of acetate-mini's sketch expert: recipe, samples, shards, trainer."""
