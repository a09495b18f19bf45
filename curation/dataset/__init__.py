"""The layered data set: clips, shards and index; curation writes them, training reads them."""
