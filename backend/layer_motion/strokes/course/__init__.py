"""Where matched strokes are as a whole and how far on: paths, speeds at keys, wheels."""
