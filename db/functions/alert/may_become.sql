create function alert.may_become(status text, wanted text) returns boolean
language sql immutable parallel safe
as $$
    select coalesce((status, wanted) in (
        ('active', 'acknowledged'), ('active', 'resolved'), ('acknowledged', 'resolved')
    ), false)
$$;
revoke all on function alert.may_become(text, text) from public;
comment on function alert.may_become(text, text) is 'The moves an alert can make; resolved is final.';
