create trigger price_stays
before update or delete or truncate on tariff.price
for each statement execute function tariff.refuse_price_change();
comment on trigger price_stays on tariff.price is 'A published price never changes.';
