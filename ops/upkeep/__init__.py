"""What operators ask of a running system: how far behind it is, whether it is well, what was refused, what is missing in ClickHouse."""
