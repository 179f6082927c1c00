"""What few products need: other tools' exports and plans, and quasi-experiments; loaded by name."""
