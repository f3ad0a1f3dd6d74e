create function upkeep.job_allowance(schedule text) returns interval
language sql immutable
return interval '1 minute' + 2 * case
    when schedule ~ '^\d+ seconds?$' then schedule::interval
    when schedule ~ '^\*(/\d+)? ' then interval '1 hour'
    when schedule ~ '^\d+ \*' then interval '1 hour'
    else interval '1 day'
end;
comment on function upkeep.job_allowance(text) is
'How old the last run of a job with this schedule may be before it is late: two of its periods and a minute.';
