create trigger limits_keep_sums
before update of max_age on ingest.limits
for each row when (new.max_age > old.max_age) execute function ingest.keep_sums();

comment on trigger limits_keep_sums on ingest.limits is
'A reading may not be older than what it is summed with.';
