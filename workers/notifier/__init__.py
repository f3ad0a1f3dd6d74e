"""The notifier: mails from the queue to a mail server, or to files."""
