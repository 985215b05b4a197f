"""Where a person lives: shown to whom the vault gives it, asked for when it is protected; and who is named for whom."""
