"""What `make` drives: finding, training, measuring and copying recipes. No recipe imports it."""
