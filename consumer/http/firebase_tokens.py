"""Checks Firebase ID tokens. It is a separate module so that tokens.py does not load Firebase."""

from firebase_admin import auth

from consumer.backends import Unavailable
from consumer.backends.firebase import app
from consumer.http.tokens import Claims, InvalidToken, Verify


def firebase_tokens(project: str | None) -> Verify:
    """A check against Google's public keys; under FIREBASE_AUTH_EMULATOR_HOST, of the emulator's unsigned tokens.

    Args:
        project: the Google Cloud project that tokens must be for; None takes the one of the credentials.
    """
    firebase_app = app(project)

    def verify(token: str) -> Claims:
        try:
            claims: Claims = auth.verify_id_token(token, app=firebase_app)
        except auth.CertificateFetchError as error:
            raise Unavailable("Google's public keys cannot be fetched.") from error
        except (auth.InvalidIdTokenError, auth.UserDisabledError, ValueError) as error:
            raise InvalidToken(type(error).__name__) from error
        return claims

    return verify
