select cron.schedule('close_windows', '5 seconds', 'call grid.close_windows()');
