"""What follows a condition: its story as events, who is told, in which words, over which channel, and what came of it."""
