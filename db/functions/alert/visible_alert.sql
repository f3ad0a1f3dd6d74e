-- The one place that says which alerts a caller sees: two ways to the same rows, of which one is left out when the
-- query starts. Newest first, each way by itself: a page of the newest is merged from both, along an index, and ends
-- when it is full. Names are looked up for the rows that are taken alone.
create view alert.visible_alert as
select visible.*
from (
    (
        select
            staff.*,
            (select r.code from grid.region as r where r.region_id = staff.region_id) as region_code,
            (
                select u.name from auth.user_account as u
                where u.user_id = staff.acknowledged_by and u.tenant_id = staff.tenant_id
            ) as acknowledger,
            (
                select u.name from auth.user_account as u
                where u.user_id = staff.resolved_by and u.tenant_id = staff.tenant_id
            ) as resolver
        from alert.alert as staff
        where (select auth.sees_tenant()) and staff.tenant_id = (select auth.tenant_id())
        order by staff.raised_at desc
    )
    union all
    (
        select (own.a).*, own.region_code, own.acknowledger, own.resolver
        from alert.own_alerts() as own
        where not (select auth.sees_tenant())
        order by (own.a).raised_at desc
    )
) as visible
order by visible.raised_at desc;
grant select on alert.visible_alert to segs_api;
comment on view alert.visible_alert is
'Alerts that the caller sees, newest first: staff all of the tenant''s; a consumer their own (alert.own_alerts).';
comment on column alert.visible_alert.region_code is 'Code of the region the meter was in.';
comment on column alert.visible_alert.acknowledger is 'Name of who took it up; consumers are told their own alone.';
comment on column alert.visible_alert.resolver is 'Name of who settled it; consumers are told their own alone.';
