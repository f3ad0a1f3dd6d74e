create function tariff.refuse_price_change() returns trigger
language plpgsql
as $$
begin
    raise exception using
        errcode = 'restrict_violation',
        message = 'a published price never changes',
        hint = 'Change tariff.plan: it sets the prices of windows not yet priced.';
end;
$$;
revoke all on function tariff.refuse_price_change() from public;
comment on function tariff.refuse_price_change() is
'Trigger: nobody, not even the owner, changes or deletes a published price.';
