"""From a result back to the records it came from: operands read from ClickHouse, selected by stage 2's own functions."""
