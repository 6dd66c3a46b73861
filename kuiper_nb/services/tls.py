"""TLS: whom we believe, and how we show who we are."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

from ..errors import ServiceError
from . import secrets
from .spec import Options, Tls


def context(options: Options, folders: Sequence[Path]) -> ssl.SSLContext:
    """What verifies a server, and, with a certificate of ours, shows who we are. Raises ServiceError."""
    tls = options.tls or Tls()
    try:
        made = ssl.create_default_context(cafile=str(placed(tls.ca, folders)) if tls.ca else None)
        if tls.cert:
            made.load_cert_chain(placed(tls.cert, folders), placed(tls.key, folders) if tls.key else None)
    except (OSError, ssl.SSLError) as error:
        raise ServiceError(f"tls: {error.strerror or error}", "ca, cert and key are paths of PEM files") from None
    if options.insecure_skip_verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def placed(name: str, folders: Sequence[Path]) -> Path:
    """The file of that name, beside the service file where the name is no whole path."""
    path = Path(secrets.resolved(name)).expanduser()
    if path.is_absolute():
        return path
    return next((folder / path for folder in reversed(folders) if (folder / path).is_file()), path)


def reason(error: BaseException) -> str:
    """Why a connection is not trusted, in words; '' where that is not the matter."""
    seen: BaseException | None = error
    while seen is not None:
        inner = getattr(seen, "certificate_error", None) or seen.__cause__ or seen.__context__
        if isinstance(seen, ssl.SSLCertVerificationError) and hasattr(seen, "verify_message"):  # aiohttp's has none
            return f"its certificate is not good: {seen.verify_message}"
        if isinstance(seen, ssl.SSLError) and inner is None:
            why = (getattr(seen, "reason", None) or str(seen)).replace("_", " ").lower()
            return f"there is no secure connection: {why}"
        seen = inner
    return ""
