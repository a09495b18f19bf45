"""From scene readings to a shot request: pictures, strokes, controls; the scene stays as it is."""
