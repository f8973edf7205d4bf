"""Building blocks for the recipes, one subject per file, written with `keras.ops`."""
