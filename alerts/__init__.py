"""What follows a condition: lifecycle, messages, channels, ledger."""
