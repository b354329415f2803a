"""The watchdog: whether the platform still proves that it works, asked from outside of it."""
