"""`nhip schemas register`: the schemas of schemas/avro under the subjects of the topic table."""

from __future__ import annotations

import typer

from transport.settings import Settings

app = typer.Typer(help="Lược đồ Avro / Avro schemas.", no_args_is_help=True)


@app.callback()
def schemas() -> None:
    """Lược đồ Avro / Avro schemas."""


@app.command()
def register() -> None:
    """Đăng ký mọi lược đồ, BACKWARD_TRANSITIVE / register every schema; repeatable."""
    from transport import registry

    registered = registry.register_all(Settings.load())
    for registration in registered:
        if registration.created:
            print(f"{registration.subject}: {registration.schema} = {registration.schema_id}")
    print(f"{len(registered)} lược đồ, {sum(r.created for r in registered)} mới / schemas, new.")
