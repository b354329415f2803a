"""Derived indicators F01–F40 as data: expressions over decimal series, with units, periods, absence and territory decided by the file."""
