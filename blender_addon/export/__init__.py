"""From scene readings to a shot request: pictures, strokes and controls; the artist's stay as is."""
