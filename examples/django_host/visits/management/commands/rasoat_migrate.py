"""`manage.py rasoat_migrate`: the engine's tables, beside Django's; its version stands in a table of its own."""

from django.conf import settings
from django.core.management.base import BaseCommand

from rasoat import Database, create_key_file, upgrade


class Command(BaseCommand):
    """Create or upgrade the engine's tables and, the first time, its keys."""

    def handle(self, *_args: object, **_options: object) -> None:
        """Run."""
        database = Database.open(settings.RASOAT_URL)
        upgrade(database)
        database.dispose()
        path = settings.BASE_DIR / "rasoat.keys"
        if not path.exists():
            create_key_file(path)
