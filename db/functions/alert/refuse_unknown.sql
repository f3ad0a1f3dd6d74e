create function alert.refuse_unknown(alert_id bigint) returns void
language plpgsql
as $$
begin
    raise sqlstate 'PT404' using
        message = format('There is no alert %s', $1),
        hint = 'GET /alerts lists the alerts that you may see.';
end;
$$;
revoke all on function alert.refuse_unknown(bigint) from public;
grant execute on function alert.refuse_unknown(bigint) to segs_api;
comment on function alert.refuse_unknown(
    bigint
) is 'Raises PT404, in the same words for unknown and for foreign alerts.';
