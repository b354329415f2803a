"""Tests of the operator's command and the local stack."""
