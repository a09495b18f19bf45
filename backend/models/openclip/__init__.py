"""OpenCLIP's text and image towers, whose tokens steer LayerAnimate (spec 5.11)."""
