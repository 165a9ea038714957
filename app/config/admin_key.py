"""The key of the API and the desk, made when nobody has set one."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from app.config.readers import Secret
from app.config.settings import Settings


def admin_api_key(settings: Settings) -> tuple[Secret, Path | None]:
    """The key of the API and the desk, and the file it is kept in (None: it was set).

    Unset: made once, kept in the data dir with mode 600. Processes that start together agree
    on one key. Raises OSError when the data dir cannot be written.
    """
    if settings.admin_api_key is not None:
        return settings.admin_api_key, None
    folder = settings.ai_seller_data_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "admin.key"
    if not path.exists():
        _keep_new_key(path)
    path.chmod(0o600)
    return Secret(path.read_text("ascii").strip()), path


def _keep_new_key(path: Path) -> None:
    """Write a new key to ``path``, whole or not at all; the one who comes second yields."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123 - a mode
        file.write(secrets.token_urlsafe(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
