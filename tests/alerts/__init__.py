"""Tests of alerts: lifecycle, story, messages, channels, ledger."""
