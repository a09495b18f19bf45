"""One small interface per replaceable part of curation, and which are there without weights."""
