create trigger alert_changed_emits
after update on alert.alert
referencing old table as before_change new table as after_change
for each statement execute function event.on_alert_changed();
comment on trigger alert_changed_emits on alert.alert is
'alert.repeated, alert.corrected, alert.acknowledged and alert.resolved, in the same transaction.';
