"""`manage.py rasoat_worker`: do what is due, once; run it from cron or a systemd timer."""

from django.conf import settings
from django.core.management.base import BaseCommand

from rasoat import Rasoat


class Command(BaseCommand):
    """Close postings that ran out, climb ladders, record breaches."""

    def handle(self, *_args: object, **_options: object) -> None:
        """Run."""
        engine = Rasoat.open(settings.RASOAT_URL, keys=settings.RASOAT_KEYS, create=False)
        ran = engine.run_due()
        engine.close()
        self.stdout.write(f"fired {ran.fired}, rungs {ran.rungs}, breaches {ran.breaches}")
