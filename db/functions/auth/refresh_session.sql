-- Security definer: the auth worker reaches accounts and sessions only through functions.
create function auth.refresh_session(
    token_hash bytea, new_token_hash bytea, at timestamptz default now()
)
returns table (outcome text, session_id uuid, expires_at timestamptz, profile jsonb, issued_at timestamptz)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    token auth.refresh_token;
    current auth.session;
    account auth.user_account;
begin
    outcome := 'unknown';
    -- The lock makes two uses of one token come one after the other, in whatever processes.
    select r.* into token from auth.refresh_token as r where r.token_hash = refresh_session.token_hash for update;
    if not found then
        return next;
        return;
    end if;
    select s.* into current from auth.session as s where s.session_id = token.session_id for update;
    session_id := current.session_id;
    if token.used_at is not null then
        -- Two tabs at once, or an answer that was lost: while nobody has used the next token, it is given again.
        select r.issued_at into issued_at
        from auth.refresh_token as r
        where
            r.token_hash = refresh_session.new_token_hash and r.session_id = current.session_id
            and r.used_at is null and token.used_at > refresh_session.at - interval '10 seconds';
        if not found then
            -- Someone else has a copy. Nobody can tell which of the two is the thief, so the whole family ends.
            outcome := 'reused';
            update auth.session as s
            set revoked_at = refresh_session.at
            where s.session_id = current.session_id and s.revoked_at is null;
            return next;
            return;
        end if;
    end if;
    select u.* into account from auth.user_account as u where u.user_id = current.user_id;
    if current.revoked_at is not null or current.expires_at <= refresh_session.at
        or not auth.in_use(account, refresh_session.at) then
        outcome := 'ended';
        return next;
        return;
    end if;
    if token.used_at is null then
        update auth.refresh_token as r set used_at = refresh_session.at where r.token_hash = token.token_hash;
        insert into auth.refresh_token as r (token_hash, session_id, issued_at)
        values (refresh_session.new_token_hash, current.session_id, refresh_session.at);
        update auth.session as s set last_used_at = refresh_session.at where s.session_id = current.session_id;
        issued_at := refresh_session.at;
    end if;
    outcome := 'refreshed';
    expires_at := current.expires_at;
    profile := auth.profile(account);
    return next;
end;
$$;
revoke all on function auth.refresh_session(bytea, bytea, timestamptz) from public;
grant execute on function auth.refresh_session(bytea, bytea, timestamptz) to segs_auth;
comment on function auth.refresh_session(bytea, bytea, timestamptz) is
'Exchanges a refresh token for the next one. The same token again within 10 s gives the same next one, while that is '
'not used; any other second use ends its session (outcome reused). Other outcomes: refreshed, ended, unknown. '
'issued_at: when the next one was made.';
