"""LayerAnimate's own layout of a data set (`spec/curation.md` 1.4, 1.8, 1.9), in and out."""
