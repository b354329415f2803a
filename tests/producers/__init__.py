"""Tests of the sources, the door and the publisher."""
