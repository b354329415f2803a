"""Generated input where no open data exists: seeded, the same for the same seed, and written in the sources' true formats.

It carries the mark `generated` in a field of the format, which the adapters turn into the quality flag `generated`.
"""
