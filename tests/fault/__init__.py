"""Proofs under kills: processes ended at the worst moments, their results against the oracle."""
