"""The ingest worker: readings come in over HTTP and are stored in batches."""
