"""Reading the artist's scene: layers, keys and motion as plain data; nothing here changes it."""
