"""Emergencies as operators handle them: the ledger of steps, areas, and words."""
