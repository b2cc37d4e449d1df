"""The law as data: procedures by regime, forms, criteria, campaign plans, administrative units."""
