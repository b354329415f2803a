"""The `nhip` command: local stack, topics, catalogue, processes, demo."""
