"""When light is recorded: what a surrogate learns of it, and how that is judged."""
