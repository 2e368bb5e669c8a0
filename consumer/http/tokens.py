"""Firebase ID tokens: who sent a request to the older HTTP interface, when DOTHIS_SHIM_REQUIRE_TOKEN asks for that."""

from collections.abc import Callable, Mapping
from typing import Any

Claims = Mapping[str, Any]
Verify = Callable[[str], Claims]
"""From a token to its claims; raises InvalidToken, or Unavailable when the keys cannot be fetched."""


class InvalidToken(Exception):
    """The token is missing, forged, expired, or for another project."""


def may_use(claims: Claims, account: str) -> bool:
    """Whether the token's user is this account: by uid, or by an e-mail address that has been verified.

    An unverified address proves nothing: anybody can sign up with somebody else's.
    """
    if claims.get("uid") == account:
        return True
    email = claims.get("email")
    return claims.get("email_verified") is True and isinstance(email, str) and email.casefold() == account.casefold()
