"""The Faust agents: stage 1 (panes, windows, rules of one series) and stage 2 (derived, rankings, parents, rules across series)."""
