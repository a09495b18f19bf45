"""Neural networks whose weights come from safetensors files."""
