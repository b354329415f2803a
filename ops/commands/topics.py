"""`nhip topics apply | diff`: the broker's topics against the table in transport/topics.py."""

from __future__ import annotations

import typer

from transport.settings import Settings

app = typer.Typer(help="Chủ đề Kafka theo bảng / the topics of the table.", no_args_is_help=True)


@app.command()
def diff() -> None:
    """Khác biệt giữa cụm và bảng; mã thoát 1 nếu có / differences between cluster and table; exit code 1 if any."""
    from transport import topic_admin

    differences = topic_admin.diff(Settings.load())
    for difference in differences:
        print(difference.text())
    if differences:
        raise typer.Exit(1)
    print("Không khác biệt / no difference.")


@app.command()
def apply() -> None:
    """Tạo chủ đề còn thiếu; không bao giờ xóa hay đổi số phân vùng / create what is missing; never delete or repartition."""
    from transport import topic_admin

    done = topic_admin.apply(Settings.load())
    for line in done:
        print(line)
    print(f"{len(done)} thay đổi / changes.")
