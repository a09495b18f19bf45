"""The layered data set: what a clip is, its shards and index; written by curation, read by training."""
