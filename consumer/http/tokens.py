"""Firebase ID tokens of requests to the older HTTP interface, which DOTHIS_SHIM_REQUIRE_TOKEN requires."""

from collections.abc import Callable, Mapping
from typing import Any

Claims = Mapping[str, Any]
Verify = Callable[[str], Claims]
"""Returns the claims of a token; raises InvalidToken, or Unavailable if the keys cannot be fetched."""


class InvalidToken(Exception):
    """The token is missing, forged, expired, or for another project."""


def may_use(claims: Claims, account: str) -> bool:
    """Whether the token's user is this account: by uid, or by an e-mail address that has been verified.

    An unverified address is no proof: anyone can sign up with another person's address.
    """
    if claims.get("uid") == account:
        return True
    email = claims.get("email")
    return claims.get("email_verified") is True and isinstance(email, str) and email.casefold() == account.casefold()
