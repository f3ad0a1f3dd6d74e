create trigger alert_raised_emits
after insert on alert.alert
referencing new table as added
for each statement execute function event.on_alert_raised();
comment on trigger alert_raised_emits on alert.alert is 'alert.raised, in the same transaction.';
