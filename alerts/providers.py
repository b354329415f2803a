"""Accounts at providers of messages, and the endpoint of signed links: settings that only this process needs, read like all others from
`NHIP_…` variables over `<data_dir>/stack.env`. Secrets are SecretStr."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from alerts.channels.contract import Channel
from alerts.channels.sms import Sms
from alerts.channels.zns import Access, Zns
from alerts.links import Links

TOKENS = "zns-tokens.json"


class Providers(BaseSettings):
    """Construct with `Providers.load()`."""

    model_config = SettingsConfigDict(env_prefix="NHIP_", extra="ignore", env_file_encoding="utf-8")

    sms_url: str = Field("", description="base address of the SMS gateway (eSMS interface); empty: the channel is off")
    sms_api_key: SecretStr = SecretStr("")
    sms_secret_key: SecretStr = SecretStr("")
    sms_brandname: str = ""
    sms_callback_url: str = Field("", description="where the gateway reports delivery; empty: it does not")

    zns_url: str = Field("", description="https://business.openapi.zalo.me in production; empty: the channel is off")
    zns_oauth_url: str = "https://oauth.zaloapp.com"
    zns_app_id: str = ""
    zns_app_secret: SecretStr = SecretStr("")
    zns_access_token: SecretStr = SecretStr("")
    zns_refresh_token: SecretStr = SecretStr("")
    zns_templates: dict[str, str] = Field(default_factory=dict, description='JSON: rule → template id, "*" for all others')

    link_secret: SecretStr = Field(SecretStr(""), description="signs links of messages; empty: messages carry none")
    link_secret_before: SecretStr = Field(SecretStr(""), description="the secret before it, still accepted while links of it are about")
    link_base_url: str = Field("", description="address of the gateway in front of the endpoint, as people reach it")
    link_host: str = "127.0.0.1"
    link_port: int = 19105

    @classmethod
    def load(cls, data_dir: Path) -> Self:
        """The environment over `<data_dir>/stack.env` over the defaults."""
        env_file = data_dir / "stack.env"
        return cls(_env_file=env_file if env_file.exists() else None)

    def channels(self, data_dir: Path) -> dict[str, Channel]:
        """The channels of this page that are configured."""
        found: dict[str, Channel] = {}
        if self.sms_url:
            found["sms"] = Sms(self.sms_url, self.sms_api_key, self.sms_secret_key, self.sms_brandname, callback_url=self.sms_callback_url)
        if self.zns_url:
            access = Access(self.zns_app_id, self.zns_app_secret, self.zns_access_token, self.zns_refresh_token, data_dir / TOKENS)
            found["zns"] = Zns(self.zns_url, self.zns_oauth_url, access, self.zns_templates)
        return found

    def links(self) -> Links | None:
        """The maker of links; None where no secret is set. Raises SecretError where it is too short."""
        if not self.link_secret.get_secret_value() or not self.link_base_url:
            return None
        return Links(self.link_base_url, self.link_secret, self.link_secret_before)
