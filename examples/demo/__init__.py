"""The demo shot: drawn through Blender's own API, animated by the project, put back as layers."""
