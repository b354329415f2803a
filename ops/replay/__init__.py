"""Replay as operators order it: what is meant, what it would change, the jobs, copies to a topic or file, and the proof afterwards."""
