create view api.devices with (security_barrier) as
select
    d.device_id,
    d.name,
    (
        select array_agg(m.code order by m.code) from grid.meter as m where m.meter_id = any(d.meter_ids)
    ) as meters,
    d.stamped,
    u.name as created_by,
    case
        when u.deleted_at is not null then 'deleted'
        when u.disabled_at <= now() then 'deactivated'
        else u.role
    end as created_by_is,
    d.created_at,
    d.revoked_at,
    d.last_used_at
from auth.device_token as d
join auth.user_account as u on u.user_id = d.created_by;
grant select on api.devices to admin;
comment on view api.devices is
$$Device tokens

What gateways and meters send readings with. The tokens themselves are not kept. They are the tenant's, and go on when who
made them is demoted, deactivated or deleted: ?created_by_is=neq.admin&revoked_at=is.null lists those. See
rpc/create_device_token and rpc/revoke_device_token.$$;
comment on column api.devices.device_id is 'The device''s id.';
comment on column api.devices.name is 'Name to show.';
comment on column api.devices.meters is 'The only meters it may send for; null: all of the tenant.';
comment on column api.devices.created_by is 'Who made the token.';
comment on column api.devices.created_by_is is
'What they are now: admin, or operator, consumer, deactivated, deleted, when the token deserves a look.';
comment on column api.devices.created_at is 'When.';
comment on column api.devices.revoked_at is 'Since when it is refused; null while it is good.';
comment on column api.devices.last_used_at is 'When it last sent, to about 15 minutes; null: never.';
comment on column api.devices.stamped is
'start or end: which end of its interval the timestamp of a reading is; null: as the tenant''s settings say.';
