select cron.schedule('refresh_rollups', '15 seconds', 'call rollup.refresh()');
