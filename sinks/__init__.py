"""Kafka to ClickHouse, exactly; migrations; named questions."""
