"""Tests of Kafka and the wire: schemas, readers and writers of columns, topics, registry."""
