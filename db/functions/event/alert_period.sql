create function event.alert_period(a alert.alert) returns tstzrange
language sql immutable
return tstzrange((a).raised_at - interval '15 minutes', (a).last_seen_at);
revoke all on function event.alert_period(alert.alert) from public;
comment on function event.alert_period(alert.alert) is
'What time an alert tells of: from the start of the first window that showed it to the end of the last.';
