-- PostgREST puts the message of our own refusals into the status line of its answer, as it is: a line break in it would
-- begin a header of the caller's choice.
create function auth.said(words text) returns text
language sql immutable parallel safe
return left(regexp_replace(coalesce(words, 'null'), '[[:cntrl:]\u0080-\u009f\u2028\u2029]', ' ', 'g'), 64);

grant execute on function auth.said(text) to segs_api, consumer, operator, admin, platform_admin;
comment on function auth.said(text) is
'What a caller sent, to be said back in the message of an error: in one line, and at most 64 characters of it.';
