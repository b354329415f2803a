"""The web board and its API over ClickHouse: to come."""
