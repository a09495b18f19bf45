"""The gallery: shots drawn as Grease Pencil strokes, and the truth of their in-betweens."""
