create function tariff.refuse_unknown_region(region text) returns void
language plpgsql
as $$
begin
    raise sqlstate 'PT404' using
        message = format('There is no region %s', auth.said($1)),
        hint = 'GET /regions lists the regions that you may name.';
end;
$$;
revoke all on function tariff.refuse_unknown_region(text) from public;
grant execute on function tariff.refuse_unknown_region(text) to segs_api;
comment on function tariff.refuse_unknown_region(text) is
'Raises PT404, in the same words for unknown and for foreign regions.';
