"""Tests, one folder for each package of the product; a package themselves, so that no folder shadows the product's of the same name."""
