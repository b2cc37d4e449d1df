"""Tables, connections, statements, bulk writes, event chain, migrations. Knows no law."""
