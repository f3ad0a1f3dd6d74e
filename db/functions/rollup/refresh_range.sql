create procedure rollup.refresh_range(name text, since timestamptz, until timestamptz)
language plpgsql
as $$
declare
    gone constant boolean := rollup.is_gone(name, since, until);
begin
    commit;
    if gone then
        raise warning 'rollup % stays as it is from % to %: some of what it was summed from has been dropped',
            name, since, until;
    elsif since is not null then
        call public.refresh_continuous_aggregate('rollup.aggregate_' || name, since, until, force => true);
    end if;
end;
$$;

comment on procedure rollup.refresh_range (text, timestamptz, timestamptz) is
'Continuous aggregates: sums the buckets from since to before until again, unless that would lose any.';
