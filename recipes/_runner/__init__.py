"""The commands behind `make`: list, train, measure and copy recipes. No recipe imports them."""
