"""The local stack: Kafka, the schema registry, ClickHouse's endpoint and our own processes on one machine, supervised."""
