"""ClickHouse's HTTP interface over its own engine in this process (chDB): the local stack's database.

One process owns one data directory and one engine. It speaks what `clickhouse-connect` (sync and async) and clients of the Native format
send over HTTP, so that sink and dashboards use the production path; whatever it does not serve is refused with an error in
ClickHouse's own shape.
Start it with `python -m ops.clickhouse --data-dir D --port P`.
"""
