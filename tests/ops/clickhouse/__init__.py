"""Tests of the ClickHouse interface in front of the engine."""
