"""Settings of the board, beside those of every process: where it listens, who may sign in, how long a session lasts."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from transport.settings import Settings


class BoardSettings(Settings):
    """`Settings` and the board's own, each an environment variable `NHIP_BOARD_…`. Construct with `BoardSettings.load()`."""

    board_host: str = Field("127.0.0.1", description="where the board listens; behind a TLS proxy in production")
    board_port: int = Field(19180, ge=0, le=65535, description="0: a free port")
    board_metrics_port: int = 19105
    board_accounts: Path | None = Field(None, description="file of accounts; empty: <data_dir>/board/accounts.json")
    board_secret: SecretStr = Field(SecretStr(""), description="key of session cookies; empty: made once, kept in <data_dir>/board/secret")
    board_secure_cookies: bool = Field(False, description="true behind TLS: cookies travel over https alone")
    board_session_hours: float = Field(12, gt=0, le=72)
    board_live: bool = Field(True, description="false: no live changes, pages show what they were loaded with")

    @property
    def accounts_path(self) -> Path:
        """The file of accounts."""
        return self.board_accounts or self.data_dir / "board" / "accounts.json"

    @property
    def secret_path(self) -> Path:
        """The file that keeps the session key where the settings name none."""
        return self.data_dir / "board" / "secret"
