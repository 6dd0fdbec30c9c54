"""How many rows a test needs, as pure numbers: one module per inequality or exact distribution."""
