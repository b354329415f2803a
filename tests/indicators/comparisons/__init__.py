"""Tests of the comparisons K1–K18, each with an example worked by hand."""
