"""Tests of derived indicators: the language, the algebra of units, every formula worked by hand, laws."""
