select cron.schedule('apply_retention', '17 * * * *', 'call grid.apply_retention()');
