-- Security definer: segs_api, which calls it for an operator's own tenant, may read prices but not write them.
create function tariff.publish_given(
    tenant_id integer, region_id integer, windows timestamptz[], prices numeric[], out published integer
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    other record;
begin
    -- In order of time, as closing does: two who publish the same wait for each other, never both.
    with added as (
        insert into tariff.price (tenant_id, region_id, window_start, price)
        select $1, $2, w.window_start, w.price
        from unnest($3, $4) as w (window_start, price)
        order by w.window_start
        on conflict do nothing
        returning 1
    )

    select count(*) into published from added;

    -- A statement of its own: it sees what another published while the one before waited.
    select p.window_start, trim_scale(p.price) as price into other
    from unnest($3, $4) as w (window_start, price)
    join tariff.price as p on p.region_id = $2 and p.window_start = w.window_start
    where p.price <> w.price
    order by p.window_start
    limit 1;
    if found then
        raise sqlstate 'PT409' using
            message = format('The price of the window of %s is published already: %s', other.window_start, other.price),
            hint = 'A published price never changes. Nothing of this call was published.';
    end if;
end;
$$;
revoke all on function tariff.publish_given(integer, integer, timestamptz[], numeric[]) from public;
grant execute on function tariff.publish_given(integer, integer, timestamptz[], numeric[]) to segs_api;
comment on function tariff.publish_given(integer, integer, timestamptz[], numeric[]) is
'Publishes prices from outside for windows of a region; those published with the same price stay. Returns how many are '
'new. PT409: one is published with another price.';
