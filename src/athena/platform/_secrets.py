"""Secrets come from the environment or the keyring, and hide themselves wherever they go (C23)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, NoReturn

from athena.errors import CoreError, InputError, MissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK = "***"
KEYRING_SERVICE = "athena"


class SecretName(StrEnum):
    """Every secret that Athena asks for: an environment variable, or a keyring entry's user."""

    KRAKEN_KEY = "ATHENA_KRAKEN_KEY"
    KRAKEN_SECRET = "ATHENA_KRAKEN_SECRET"  # noqa: S105  # a name
    WEBHOOK_URL = "ATHENA_NOTICES_WEBHOOK_URL"
    WEBHOOK_TOKEN = "ATHENA_NOTICES_WEBHOOK_TOKEN"  # noqa: S105  # a name
    EMAIL_PASSWORD = "ATHENA_NOTICES_EMAIL_PASSWORD"  # noqa: S105  # a name
    TELEGRAM_TOKEN = "ATHENA_NOTICES_TELEGRAM_TOKEN"  # noqa: S105  # a name
    BUS_PASSWORD = "ATHENA_BUS_PASSWORD"  # noqa: S105  # a name
    DEEPSEEK_KEY = "ATHENA_LANGUAGE_DEEPSEEK_KEY"
    ANTHROPIC_KEY = "ATHENA_LANGUAGE_ANTHROPIC_KEY"
    OPENAI_KEY = "ATHENA_LANGUAGE_OPENAI_KEY"
    XAI_KEY = "ATHENA_LANGUAGE_XAI_KEY"
    GROQ_KEY = "ATHENA_LANGUAGE_GROQ_KEY"
    LOCAL_KEY = "ATHENA_LANGUAGE_LOCAL_KEY"


class Secret:
    """Hold a text that only `reveal` gives out; as text, JSON or pickle there is no way to it.

    The process remembers every secret that it was given, because logs and crash bundles have to
    mask them (`known_secrets`) where nothing but an exception is at hand.
    """

    __slots__ = ("_text",)
    _given: ClassVar[set[str]] = set()

    def __init__(self, text: str) -> None:
        """Take a text into keeping."""
        self._text = text
        self._given.add(text)

    def reveal(self) -> str:
        """Return the text, for whoever signs or sends with it."""
        return self._text

    def __repr__(self) -> str:
        """Return a mask, for `repr` and `str` alike."""
        return MASK

    def __format__(self, spec: str) -> str:
        """Return a mask, laid out as asked."""
        return format(MASK, spec)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied.

        Raises:
            CoreError: always.
        """
        message = "expected a value that may be copied, was a secret"
        raise CoreError(message)

    @classmethod
    def given(cls) -> tuple[str, ...]:
        """List the texts of all secrets that this process was given, for masking."""
        return tuple(cls._given)


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """A secret and where it was found: `environment` or `keyring`."""

    name: SecretName
    secret: Secret
    origin: str


def find_secret(
    name: SecretName, environment: Mapping[str, str] = os.environ
) -> FoundSecret | None:
    """Look a secret up, first in the environment, then in the keyring where one is installed.

    An empty variable counts as none.

    Raises:
        InputError: it has white space around it, as one read from a file often has.
        MissingError: there is a keyring, but it cannot be read.
    """
    text = environment.get(name, "")
    origin = "environment"
    if not text:
        text, origin = _from_keyring(name), "keyring"
    if not text:
        return None
    if text != text.strip():
        message = f"expected {name} ({origin}) without white space around it, was with some"
        raise InputError(message, hint="set it again without the line break at its end")
    return FoundSecret(name, Secret(text), origin)


def need_secret(
    name: SecretName, *, needed_for: str, environment: Mapping[str, str] = os.environ
) -> Secret:
    """Look up a secret that the work cannot do without.

    Raises:
        MissingError: it is nowhere; the hint says how to set it.
        InputError: it has white space around it.
    """
    found = find_secret(name, environment)
    if found is None:
        message = f"expected {name} for {needed_for}, was neither in environment nor keyring"
        raise MissingError(message, hint=how_to_set(name))
    return found.secret


def how_to_set(name: SecretName) -> str:
    """Say how a person hands a secret over."""
    from importlib.util import find_spec

    store = f"keyring set {KEYRING_SERVICE} {name}"
    if find_spec("keyring") is None:
        store = f"pip install 'athena-desk[live]' && {store}"
    return f"export {name}=..., or: {store}"


def _from_keyring(name: SecretName) -> str:
    """Return a keyring entry; empty where it, the keyring or its package is not there."""
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError:
        return ""
    try:
        return keyring.get_password(KEYRING_SERVICE, name) or ""
    except NoKeyringError:
        return ""
    except KeyringError as error:
        message = f"expected the keyring to answer for {name}, was {type(error).__name__}"
        raise MissingError(message, hint=f"unlock it, or export {name}=...") from error
