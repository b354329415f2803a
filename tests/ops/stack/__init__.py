"""Tests of the local stack: artefacts, supervisor, one life from the command line."""
