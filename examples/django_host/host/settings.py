"""A small case-management project: its own apps `engine` and `notifications` show that nothing collides."""

import os
from pathlib import Path

BASE_DIR = Path(os.environ.get("HOST_DATA", Path(__file__).parents[1]))
SECRET_KEY = "an example keeps no secrets"  # noqa: S105  an example that serves no pages
INSTALLED_APPS = ["engine", "notifications", "visits"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "host.sqlite3",
        # A writer says so when it begins; else two of them could both have read before either writes.
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
RASOAT_URL = f"sqlite:///{DATABASES['default']['NAME']}"
RASOAT_KEYS = f"file:{BASE_DIR / 'rasoat.keys'}"
