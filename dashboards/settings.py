"""Settings of the board: those of every process, and where its accounts and its key lie."""

from __future__ import annotations

from pathlib import Path

from transport.settings import Settings


class BoardSettings(Settings):
    """`Settings` with the board's files. Construct with `BoardSettings.load()`."""

    @property
    def accounts_path(self) -> Path:
        """The file of accounts."""
        return Path(self.board_accounts) if self.board_accounts else self.data_dir / "board" / "accounts.json"

    @property
    def secret_path(self) -> Path:
        """The file that keeps the session key where the settings name none."""
        return self.data_dir / "board" / "secret"
