create trigger price_emits
after insert on tariff.price
referencing new table as added
for each statement execute function event.on_price();
comment on trigger price_emits on tariff.price is 'price.published, in the same transaction.';
