select cron.schedule('prune_sessions', '37 * * * *', 'select auth.prune()');
