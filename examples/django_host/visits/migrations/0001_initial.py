"""The host's own schema."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Create Visit."""

    initial = True
    operations = (
        migrations.CreateModel(
            name="Visit",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("case_id", models.BigIntegerField(unique=True)),
                ("note", models.TextField()),
            ],
        ),
    )
