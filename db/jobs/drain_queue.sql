select cron.schedule('drain_queue', '2 seconds', 'call ingest.drain()');
