"""Obstacles of projects on the board: the page of a project says who must remove each; the list counts them with the days overdue."""

from __future__ import annotations

import pytest

from tests.dashboards.conftest import DUTY, PROVINCE, Client, Seeded, served

pytestmark = pytest.mark.loopback


def test_a_project_shows_its_obstacles_as_their_newest_revisions_say(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        page = (await client.get("/projects/DA-01-01")).text
        overdue = ("chưa tháo gỡ, quá hạn", "quá hạn 10 ngày", "đã tháo gỡ quá hạn")
        for said in ("Nội dung VM-1", *overdue, "giải phóng mặt bằng", "Sở Tài chính"):
            assert said in page, said
        assert page.index("Nội dung VM-1") < page.index("Nội dung VM-3") < page.index("Nội dung VM-2"), "those that stand first"
        assert "Nội dung VM-4" not in page, "withdrawn"
        assert "Nội dung VM-5" not in page, "restricted"
        assert "chưa có" in (await client.get("/projects/DA-31-01")).text.lower()
        assert "not removed, overdue" in (await client.get("/projects/DA-01-01?lang=en")).text

    served(seeded.settings, DUTY, work)


def test_the_list_counts_what_stands_with_the_agency_and_the_days_overdue(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        rows = {r["id"]: r for r in (await client.get("/projects?format=json")).json()["rows"]}
        found = rows["DA-01-01"]
        assert (found["obstacles_standing"], found["days_overdue"]) == (2, 10)
        assert found["must_remove"].count(";") == 1, "each agency once"
        assert (rows["DA-01-02"]["obstacles_standing"], rows["DA-01-02"]["must_remove"]) == (0, "")
        assert "quá hạn lâu nhất 10 ngày" in (await client.get("/projects")).text

    served(seeded.settings, DUTY, work)


def test_another_province_reads_nothing_of_them(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        assert (await client.get("/projects/DA-01-01")).status_code in (403, 404)
        assert "VM-1" not in (await client.get("/projects?format=json")).text

    served(seeded.settings, PROVINCE, work)
