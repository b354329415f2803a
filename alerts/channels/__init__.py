"""Channels: one module each, one contract (`contract.py`), one contract suite (tests/alerts/test_channels.py)."""
