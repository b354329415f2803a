"""The ID token of a sign-in, checked as OpenID Connect Core 1.0, 3.1.3.7 asks: signature, issuer, audience, time, nonce. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, InvalidKeyIdError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import KeySet, import_key

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
"""Signatures with a public key, and these alone: «none» is no signature, HS… would take the public key for a shared secret (RFC 8725,
2.1)."""
KEY_TYPES: Final = ("RSA", "EC")
SKEW_SECONDS: Final = 60
"""How far the clocks of provider and board may differ."""


class TokenRefused(Exception):
    """A token that is not accepted; `reason`: the word that says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownKey(TokenRefused):
    """Signed with a key that is not among the known ones: a new one, or nobody's."""

    def __init__(self) -> None:
        super().__init__("oidc_signature")


def keys_of(published: Iterable[Mapping[str, Any]]) -> KeySet:
    """The published keys that sign. Keys of kinds that the board does not know are left out: providers publish others beside."""
    found = []
    for one in published:
        if one.get("kty") not in KEY_TYPES or one.get("use", "sig") != "sig":
            continue
        try:
            found.append(import_key(dict(one)))
        except (JoseError, ValueError, TypeError):  # a broken or foreign key signs nothing here
            continue
    return KeySet(found)


def checked(token: str, keys: KeySet, *, issuer: str, client: str, nonce: str, now: int) -> dict[str, Any]:
    """The claims of a token that is what it says. `now`: epoch ms. Raises TokenRefused, UnknownKey where no known key signed it."""
    claims = _signed(token, keys)
    for name, wanted, reason in (("iss", issuer, "oidc_issuer"), ("nonce", nonce, "oidc_nonce")):
        if not hmac.compare_digest(str(claims.get(name, "")).encode(), wanted.encode()):
            raise TokenRefused(reason)
    audience = claims.get("aud")
    several = isinstance(audience, list) and len(audience) > 1
    if client not in (audience if isinstance(audience, list) else [audience]) or claims.get("azp", "" if several else client) != client:
        raise TokenRefused("oidc_audience")
    registry = jwt.JWTClaimsRegistry(
        now=now // 1000, leeway=SKEW_SECONDS, exp={"essential": True}, iat={"essential": True}, sub={"essential": True}
    )
    try:
        registry.validate(claims)
    except ExpiredTokenError:
        raise TokenRefused("oidc_expired") from None
    except ClaimError as error:
        raise TokenRefused("oidc_expired" if error.claim in ("iat", "nbf", "exp") else "oidc_claims") from None
    return claims


def _signed(token: str, keys: KeySet) -> dict[str, Any]:
    try:
        return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    except UnsupportedAlgorithmError:
        raise TokenRefused("oidc_algorithm") from None
    except InvalidKeyIdError:
        raise UnknownKey from None
    except (JoseError, ValueError):
        raise TokenRefused("oidc_signature") from None
