"""Training of LayerAnimate: samples, objective, trainable sets, adapters; recipes name these."""
