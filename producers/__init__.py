"""One module per source; the same two-method contract each; one runner."""
