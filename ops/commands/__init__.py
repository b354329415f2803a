"""The sub-commands of `nhip`, one module each."""
