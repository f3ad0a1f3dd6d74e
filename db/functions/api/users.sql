create view api.users with (security_barrier) as
select
    u.user_id,
    u.email,
    u.name,
    u.role,
    u.phone,
    u.created_at,
    u.verified_at,
    u.disabled_at,
    owned.meters,
    owned.regions
from auth.user_account as u
cross join
    lateral (
        select
            coalesce(array_agg(distinct m.code), '{}') as meters,
            coalesce(array_agg(distinct r.code), '{}') as regions
        from grid.meter_ownership as o
        join grid.meter as m on m.tenant_id = o.tenant_id and m.meter_id = o.meter_id
        join grid.region as r on r.region_id = m.region_id
        where o.tenant_id = u.tenant_id and o.user_id = u.user_id and o.period @> now()
    ) as owned
where u.tenant_id = (select auth.tenant_id()) and u.deleted_at is null;
grant select on api.users to operator, admin;
comment on view api.users is
$$Accounts

The tenant's people and the meters they own now. By region: ?regions=cs.{north}. Pages: limit and offset, with
order=email. Deleted accounts are not shown.$$;
comment on column api.users.user_id is 'The account''s id; the sub of its tokens.';
comment on column api.users.email is 'Address, lower case.';
comment on column api.users.name is 'Name to show.';
comment on column api.users.role is 'consumer, operator or admin.';
comment on column api.users.phone is 'Number with country code; null if not given.';
comment on column api.users.created_at is 'When the account was made.';
comment on column api.users.verified_at is 'When the address was confirmed; null: not yet.';
comment on column api.users.disabled_at is 'Since when the account is deactivated; null while in use.';
comment on column api.users.meters is 'Public names of the meters owned now.';
comment on column api.users.regions is 'Codes of the regions that these are in.';
