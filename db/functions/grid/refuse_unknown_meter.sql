create function grid.refuse_unknown_meter(meter text) returns void
language plpgsql
as $$
begin
    raise sqlstate 'PT404' using
        message = format('There is no meter %s', auth.said($1)),
        hint = 'GET /meters lists the meters that you may name.';
end;
$$;
revoke all on function grid.refuse_unknown_meter(text) from public;
grant execute on function grid.refuse_unknown_meter(text) to segs_api;
comment on function grid.refuse_unknown_meter(text) is
'Raises PT404, in the same words for unknown and for foreign meters.';
