"""What the workers share: settings, connections, errors, logs, health, tokens."""
