"""One settings class for every process: each address is an environment variable `NHIP_…`.

`nhip up` writes the addresses of the local stack to `<data_dir>/stack.env`, which is read when it exists; a variable of the environment
wins over it. Secrets are `SecretStr`: they never show in logs, errors or argv.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

HOME = Path(__file__).resolve().parent.parent
"""Root of the installation: holds `schemas/`, `catalogue/` and `docker-compose.yml`."""


class Settings(BaseSettings):
    """Addresses, credentials and limits. Construct with `Settings.load()`; pass it on, never read the environment elsewhere."""

    model_config = SettingsConfigDict(env_prefix="NHIP_", extra="ignore", env_file_encoding="utf-8")

    home: Path = Field(HOME, description="root of the installation")
    data_dir: Path = Field(HOME / ".nhip", description="state of the local stack: downloads, logs, Kafka and ClickHouse data")

    kafka_bootstrap: str = Field("127.0.0.1:19092", description="host:port list of the brokers")
    kafka_security_protocol: str = Field("PLAINTEXT", description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")
    kafka_sasl_mechanism: str = Field("", description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; empty: none")
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    kafka_ssl_ca_location: str = Field("", description="PEM file of the authority that signed the brokers' certificates")
    kafka_replication: int = Field(1, ge=1, description="replication factor of our topics; 3 in production")
    topic_prefix: str = Field("", description="put before every topic, group and transactional id: several installations on one cluster")

    registry_url: str = Field("http://127.0.0.1:18081/apis/ccompat/v7", description="Confluent-compatible schema registry")
    registry_user: str = ""
    registry_password: SecretStr = SecretStr("")

    clickhouse_host: str = "127.0.0.1"
    clickhouse_port: int = 18123
    clickhouse_secure: bool = False
    clickhouse_user: str = "nhip"
    clickhouse_password: SecretStr = SecretStr("nhip-local")
    clickhouse_reader_user: str = Field("nhip_reader", description="read-only user for dashboards and named questions")
    clickhouse_reader_password: SecretStr = SecretStr("nhip-reader-local")
    clickhouse_database: str = "nhip"

    smtp_host: str = Field("", description="empty: the e-mail channel is off")
    smtp_port: int = 25
    smtp_starttls: bool = False
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_from: str = "nhip@localhost"
    webhook_url: str = Field("", description="empty: the webhook channel is off")
    webhook_secret: SecretStr = Field(SecretStr(""), description="signs each webhook body, HMAC-SHA256 in X-Nhip-Signature")

    sms_url: str = Field("", description="base address of the SMS gateway (eSMS interface); empty: the channel is off")
    sms_api_key: SecretStr = SecretStr("")
    sms_secret_key: SecretStr = SecretStr("")
    sms_brandname: str = ""
    sms_callback_url: str = Field("", description="https://…/receipts/sms as the gateway reaches it, for reports of delivery; empty: none")
    zns_url: str = Field("", description="https://business.openapi.zalo.me in production; empty: the channel is off")
    zns_oauth_url: str = "https://oauth.zaloapp.com"
    zns_app_id: str = ""
    zns_app_secret: SecretStr = SecretStr("")
    zns_access_token: SecretStr = SecretStr("")
    zns_refresh_token: SecretStr = SecretStr("")
    zns_oa_secret: SecretStr = Field(SecretStr(""), description="signs Zalo's events of delivery; empty: they are not believed")
    zns_templates: dict[str, str] = Field(default_factory=dict, description='JSON: rule → template id, "*" for all others')
    sms_soap_wsdl: str = Field("", description="the gateway's service description (Viettel's interface); empty: the channel is off")
    sms_soap_user: str = ""
    sms_soap_password: SecretStr = SecretStr("")
    sms_soap_cpcode: str = ""
    smpp_host: str = Field("", description="a network's message centre; empty: the channel is off")
    smpp_port: int = 2775
    smpp_user: str = Field("", max_length=15, description="system id of the session")
    smpp_password: SecretStr = Field(SecretStr(""), max_length=8)
    zalo_bot_url: str = "https://bot-api.zaloplatforms.com"
    zalo_bot_token: SecretStr = Field(SecretStr(""), description="empty: the channel is off")
    zalo_bot_chats: dict[str, str] = Field(default_factory=dict, description='JSON: "office@place" → chat id, "*" for all others')
    rooms: dict[str, SecretStr] = Field(default_factory=dict, description="JSON: name → address of apprise; rules call it room_<name>")
    alertmanager_url: str = Field("", description="base address of an Alertmanager that is told what stands; empty: none is")
    sms_reply_to: str = Field("", description="number that people answer text messages to; empty: messages do not ask for answers")
    receipts_of: frozenset[str] = Field(frozenset(), description="JSON list of channels whose gateway posts receipts in our own form")
    link_secret: SecretStr = Field(SecretStr(""), description="signs links of messages; empty: messages carry none")
    link_secret_before: SecretStr = Field(SecretStr(""), description="the secret before it, still accepted while links of it are about")
    link_base_url: str = Field("", description="address of the gateway in front of the endpoint, as people reach it")
    api_tokens: dict[str, SecretStr] = Field(default_factory=dict, description='JSON: "office@place" → token, for acts of other systems')
    link_host: str = Field("127.0.0.1", description="where links, receipts, replies and acts of other systems come in")
    link_port: int = 19181

    mqtt_host: str = Field("", description="empty: no live sensors")
    mqtt_port: int = 1883
    mqtt_user: str = ""
    mqtt_password: SecretStr = SecretStr("")
    mqtt_topic: str = "+/hydromet/#"
    inbox_dir: Path = Field(HOME / ".nhip" / "inbox", description="where files of tax, customs, treasury, sensors and icu are dropped")
    site_secret: SecretStr = Field(SecretStr("local-demo-only"), description="key of the HMAC that replaces trader and tax codes")

    worker_instance: str = Field("worker-0", description="static member id: a restarted worker takes its partitions back at once")
    sink_instance: str = "sink-0"
    reconcile_minutes: float = Field(30, gt=0, le=1440, description="how often the sink compares Kafka's offsets with ClickHouse's rows")
    alerts_instance: str = "alerts-0"
    metrics_host: str = Field("127.0.0.1", description="where /metrics and /health of each process listen")
    worker_metrics_port: int = 19101
    sink_metrics_port: int = 19102
    alerts_metrics_port: int = 19103
    producers_metrics_port: int = 19104
    refused_share: float = Field(0.5, gt=0, le=1, description="share of refused records at which the worker stops; 1: never")
    refused_run: int = Field(5_000, ge=0, description="refused records in a row at which the worker stops; 0: never")
    log_level: str = "INFO"

    board_host: str = Field("127.0.0.1", description="where the board listens; behind a TLS proxy in production")
    board_port: int = Field(19180, ge=0, le=65535, description="0: a free port")
    board_metrics_port: int = 19105
    watchdog_metrics_port: int = 19106
    backtests_metrics_port: int = 19107
    watchdog_watches: str = Field("", description="base addresses of the alert processes' /metrics, by spaces; empty: this machine's")
    board_accounts: str = Field("", description="file of accounts; empty: <data_dir>/board/accounts.json")
    board_secret: SecretStr = Field(SecretStr(""), description="key of session cookies; empty: made once, kept in <data_dir>/board/secret")
    board_secure_cookies: bool = Field(False, description="true behind TLS: cookies travel over https alone")
    board_session_hours: float = Field(12, gt=0, le=72)
    board_oidc_issuer: str = Field("", description="OpenID Connect provider's issuer; empty: local accounts alone")
    board_oidc_client: str = Field("", description="the board's client id there")
    board_oidc_secret: SecretStr = Field(SecretStr(""), description="the client's secret; empty: a public client, PKCE alone")
    board_oidc_scopes: str = Field("openid profile", description="scopes asked for, by spaces")
    board_oidc_name: str = Field("SSO", description="the provider's name on the sign-in page")
    board_oidc_mapping: list[dict[str, Any]] = Field(
        default_factory=list, description="JSON list: claim, value → role, territories, depth, …; nobody else has an account"
    )
    board_base_url: str = Field("", description="the board's address as browsers reach it; asked for with an issuer")
    board_live: bool = Field(True, description="false: no live changes, pages show what they were loaded with")

    @classmethod
    def load(cls, **overrides: object) -> Self:
        """Read the environment over `<data_dir>/stack.env` over the defaults; `overrides` win over all (tests)."""
        data_dir = Path(str(overrides.get("data_dir") or os.environ.get("NHIP_DATA_DIR") or HOME / ".nhip"))
        env_file = data_dir / "stack.env"
        return cls(_env_file=env_file if env_file.exists() else None, **overrides)  # type: ignore[arg-type]
