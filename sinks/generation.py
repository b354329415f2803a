"""Token generations: what keeps an old deduplication token from swallowing new rows.

A token that is used again with other rows loses them without a word. Two things make offsets begin anew: the table's rows were removed on
purpose (its generation in `sink_generations` is raised) and the topic was made anew (Kafka gives it another id). Both are part of every
token.
"""

from __future__ import annotations

from clickhouse_connect.driver.client import Client
from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from sinks import clickhouse
from sinks.tables import Route

DESCRIBE_SECONDS = 30.0


def generations(client: Client, admin: AdminClient, routes: dict[str, Route]) -> dict[str, str]:
    """Generation by topic, `<table generation>.<topic id>`. Raises LookupError naming the topics that do not exist, KafkaException."""
    rows = client.query("SELECT name, max(generation) FROM sink_generations GROUP BY name").result_rows
    tables = {str(name): int(generation) for name, generation in rows}
    ids = _topic_ids(admin, sorted(routes))
    return {topic: f"{tables.get(route.table, 1)}.{ids[topic]}" for topic, route in routes.items()}


def _topic_ids(admin: AdminClient, topics: list[str]) -> dict[str, str]:
    found, missing = {}, []
    for topic, future in admin.describe_topics(TopicCollection(topics), request_timeout=DESCRIBE_SECONDS).items():
        try:
            found[topic] = str(future.result(timeout=DESCRIBE_SECONDS).topic_id)
        except KafkaException as error:
            if error.args[0].name() != "UNKNOWN_TOPIC_OR_PART":
                raise
            missing.append(topic)
    if missing:
        raise LookupError(f"thiếu {len(missing)} topic: {', '.join(sorted(missing)[:5])}…: chạy `nhip topics apply`; "
                          "topics are missing: run it")  # fmt: skip
    return found


def raise_generation(client: Client, table: str, reason: str) -> int:
    """Begin a new generation of `table` after its rows were removed; return its number. Takes effect when the sink starts next."""
    rows = client.query("SELECT max(generation) FROM sink_generations WHERE name = {name:String}", parameters={"name": table}).result_rows
    following = max(int(rows[0][0] or 0), 1) + 1
    clickhouse.insert_lines(client, "sink_generations", [{"name": table, "generation": following, "reason": reason}])
    return following
