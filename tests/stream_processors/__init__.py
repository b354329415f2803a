"""Tests of the worker's stages against an oracle that folds one record at a time."""
