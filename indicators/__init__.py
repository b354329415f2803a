"""The vocabulary: catalogue, territory, agency, period, series, observation, formula, rule. Imports no sibling; no I/O at import."""
