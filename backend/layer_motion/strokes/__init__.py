"""In-betweens of Grease Pencil strokes: matched, moved, drawn anew; used by layer motion."""
