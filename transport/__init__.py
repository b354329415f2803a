"""Kafka and the wire: topics as one table, framing, columnar reader and writer, registry, clients, dead letters, Faust's plumbing."""
