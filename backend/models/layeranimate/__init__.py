"""LayerAnimate (ICCV 2025), UNet variant: our own modules under the official state-dict keys."""
