"""Co-design of trigger networks: commands, search, training, reports."""
