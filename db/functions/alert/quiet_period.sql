create function alert.quiet_period(raised_at timestamptz) returns tstzrange
language sql immutable parallel safe
as $$
    select tstzrange($1, $1 + interval '1 hour')
$$;
revoke all on function alert.quiet_period(timestamptz) from public;
comment on function alert.quiet_period(timestamptz) is
'How long an alert speaks for its meter and kind: seen again in this time, it is counted, not raised again.';
