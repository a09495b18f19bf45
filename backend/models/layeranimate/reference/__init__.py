"""LayerAnimate computed plainly, for tests and benchmarks; production code never calls it."""
