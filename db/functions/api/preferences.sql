create view api.preferences with (security_barrier) as
select u.preferences
from auth.user_account as u
where u.user_id = (select auth.user_id()) and u.tenant_id = (select auth.tenant_id());
grant select on api.preferences to consumer, operator, admin;
comment on view api.preferences is
$$What you prefer

One row, yours. See rpc/set_preferences.$$;
comment on column api.preferences.preferences is 'An object of whatever clients keep here, such as a language.';
