-- migrate:up
set local role segs_owner;

-- An e-mail address has one form in which it is stored and compared: small letters, the domain in ASCII (IDNA). Python
-- has the same rules: workers/auth/addresses.py. One file of examples runs against both: tests/vectors/addresses.json.

create function auth.is_domain_letter(code_point integer) returns boolean
language sql immutable parallel safe
as $$
    select code_point <@ '{
        [223,247), [248,304), [305,544), [547,564), [592,686), [699,706), [720,722), [750,751), [912,913),
        [940,975), [983,1012), [1072,1154), [1163,1231), [1233,1270), [1273,1274), [1281,1296), [1369,1370),
        [1377,1415), [2309,2362), [2365,2366), [2384,2385), [2400,2402), [2437,2445), [2447,2449), [2451,2473),
        [2474,2481), [2482,2483), [2486,2490), [2528,2530), [2544,2546), [2565,2571), [2575,2577), [2579,2601),
        [2602,2609), [2610,2611), [2613,2614), [2616,2618), [2652,2653), [2674,2677), [2693,2700), [2701,2702),
        [2703,2706), [2707,2729), [2730,2737), [2738,2740), [2741,2746), [2749,2750), [2768,2769), [2784,2785),
        [2821,2829), [2831,2833), [2835,2857), [2858,2865), [2866,2868), [2870,2874), [2877,2878), [2911,2914),
        [2947,2948), [2949,2955), [2958,2961), [2962,2966), [2969,2971), [2972,2973), [2974,2976), [2979,2981),
        [2984,2987), [2990,2998), [2999,3002), [3077,3085), [3086,3089), [3090,3113), [3114,3124), [3125,3130),
        [3168,3170), [3205,3213), [3214,3217), [3218,3241), [3242,3252), [3253,3258), [3294,3295), [3296,3298),
        [3333,3341), [3342,3345), [3346,3369), [3370,3386), [3424,3426), [3461,3479), [3482,3506), [3507,3516),
        [3517,3518), [3520,3527), [3585,3633), [3634,3635), [3648,3655), [3713,3715), [3716,3717), [3719,3721),
        [3722,3723), [3725,3726), [3732,3736), [3737,3744), [3745,3748), [3749,3750), [3751,3752), [3754,3756),
        [3757,3761), [3762,3763), [3773,3774), [3776,3781), [3782,3783), [3840,3841), [3904,3912), [3913,3947),
        [3976,3980), [4096,4130), [4131,4136), [4137,4139), [4176,4182), [4304,4345), [4608,4615), [4616,4679),
        [4680,4681), [4682,4686), [4688,4695), [4696,4697), [4698,4702), [4704,4743), [4744,4745), [4746,4750),
        [4752,4783), [4784,4785), [4786,4790), [4792,4799), [4800,4801), [4802,4806), [4808,4815), [4816,4823),
        [4824,4847), [4848,4879), [4880,4881), [4882,4886), [4888,4895), [4896,4935), [4936,4955), [5121,5741),
        [5743,5751), [5761,5787), [5792,5867), [5888,5901), [5902,5906), [5920,5938), [5952,5970), [5984,5997),
        [5998,6001), [6016,6068), [6103,6104), [6108,6109), [6176,6264), [6272,6277), [6279,6313), [7681,7834),
        [7841,7930), [7936,7958), [7968,8006), [8016,8024), [8032,8061), [8112,8114), [8118,8119), [8134,8135),
        [8144,8147), [8150,8152), [8160,8168), [8182,8183), [12293,12295), [12348,12349), [12353,12439),
        [12445,12447), [12449,12539), [12540,12543), [12549,12589), [12704,12728), [12784,12800), [13312,19894),
        [19968,40870), [40960,42125), [44032,55204), [64014,64042)
    }'::int4multirange
$$;
comment on function auth.is_domain_letter(integer) is
'migration: whether a character outside ASCII may stand in a domain here: a letter without case or in lower case that '
'IDNA 2008 allows, of a script written from left to right, and as old as Unicode 3.2, so that every program agrees. '
'Ranges reach over capitals, which are made small before. tests/unit/test_addresses.py makes the list.';

create function auth.punycode_adapt(delta bigint, characters integer, first boolean) returns integer
language plpgsql immutable strict parallel safe
as $$
declare
    rest bigint := case when first then delta / 700 else delta / 2 end;
    k integer := 0;
begin
    rest := rest + rest / characters;
    while rest > 455 loop
        rest := rest / 35;
        k := k + 36;
    end loop;
    return k + (36 * rest / (rest + 38))::integer;
end;
$$;
comment on function auth.punycode_adapt(bigint, integer, boolean) is
'migration: the next bias of Punycode (RFC 3492, 6.1).';

create function auth.punycode(label text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
    digits constant text := 'abcdefghijklmnopqrstuvwxyz0123456789';
    codes constant integer[] := array(select ascii(c) from unnest(string_to_array(label, null)) as c);
    answer text := coalesce(
        (select string_agg(chr(c), '' order by n) from unnest(codes) with ordinality as u (c, n) where c < 128), ''
    );
    basic constant integer := length(answer);
    handled integer := basic;
    n integer := 128;
    bias integer := 72;
    delta bigint := 0;
    next integer;
    code integer;
    q bigint;
    k integer;
    t integer;
begin
    if basic > 0 then
        answer := answer || '-';
    end if;
    while handled < cardinality(codes) loop
        select min(c) into next from unnest(codes) as c where c >= n;
        delta := delta + (next - n)::bigint * (handled + 1);
        n := next;
        foreach code in array codes loop
            delta := delta + (code < n)::integer;
            continue when code <> n;
            q := delta;
            k := 36;
            loop
                t := least(greatest(k - bias, 1), 26);
                exit when q < t;
                answer := answer || substr(digits, (t + (q - t) % (36 - t))::integer + 1, 1);
                q := (q - t) / (36 - t);
                k := k + 36;
            end loop;
            answer := answer || substr(digits, q::integer + 1, 1);
            bias := auth.punycode_adapt(delta, handled + 1, handled = basic);
            delta := 0;
            handled := handled + 1;
        end loop;
        delta := delta + 1;
        n := n + 1;
    end loop;
    return answer;
end;
$$;
comment on function auth.punycode(text) is 'migration: a label of a domain in Punycode (RFC 3492, 6.3), without xn--.';

create function auth.from_punycode(encoded text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
    basic constant integer := greatest(length(encoded) - strpos(reverse(encoded), '-'), 0)
        * (strpos(encoded, '-') > 0)::integer;
    rest constant text := substr(encoded, basic + (strpos(encoded, '-') > 0)::integer + 1);
    codes integer[] := array(select ascii(c) from unnest(string_to_array(left(encoded, basic), null)) as c);
    n bigint := 128;
    i bigint := 0;
    bias integer := 72;
    before bigint := 0;
    weight bigint := 1;
    k integer := 36;
    t integer;
    digit integer;
begin
    foreach digit in array array(
        select strpos('abcdefghijklmnopqrstuvwxyz0123456789', c) - 1 from unnest(string_to_array(rest, null)) as c
    ) loop
        i := i + digit * weight;
        -- no letter of ours is beyond: it is no label of ours, and the numbers below stay small
        if digit < 0 or i > 10000000 then
            return null;
        end if;
        t := least(greatest(k - bias, 1), 26);
        if digit >= t then
            weight := weight * (36 - t);
            k := k + 36;
            continue;
        end if;
        bias := auth.punycode_adapt(i - before, cardinality(codes) + 1, before = 0);
        n := n + i / (cardinality(codes) + 1);
        i := i % (cardinality(codes) + 1);
        if n > 65535 or n between 55296 and 57343 then
            return null;
        end if;
        codes := codes[1:i] || n::integer || codes[i + 1:];
        i := i + 1;
        before := i;
        weight := 1;
        k := 36;
    end loop;
    return (
        select string_agg(chr(c), '' order by o) from unnest(codes) with ordinality as u (c, o) where k = 36
    );
end;
$$;
comment on function auth.from_punycode(text) is
'migration: what a label without its xn-- stands for (RFC 3492, 6.2); null when it is no Punycode of letters of ours.';

create function auth.small_letters(value text) returns text
language sql immutable strict parallel safe
as $$
    -- a dotted capital I is two letters in some languages and one in others
    select case when strpos(normalize(value, nfkc), U&'\0130') = 0 then
        normalize(lower(normalize(value, nfkc) collate pg_catalog.pg_c_utf8), nfkc)
    end
$$;
comment on function auth.small_letters(text) is
'migration: the text in small letters and in one composition (NFKC), the same on every server; null when it has a '
'letter that is made small differently in different languages.';

create function auth.ascii_label(label text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
    letters constant text := case when label like 'xn--%' then auth.from_punycode(substr(label, 5)) else label end;
    shape constant text := (
        select string_agg(case when auth.is_domain_letter(ascii(c)) then 'a' else c end, '' order by n)
        from unnest(string_to_array(letters, null)) with ordinality as u (c, n)
    );
    encoded constant text := case
        when octet_length(letters) = length(letters) then letters else 'xn--' || auth.punycode(letters)
    end;
begin
    if shape ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$' and shape !~ '^..--' and length(encoded) <= 63
        -- a label that came encoded is the encoding of what it stands for, in small letters, and of nothing else
        and (label not like 'xn--%' or encoded = label and letters = auth.small_letters(letters)) then
        return encoded;
    end if;
    return null;
end;
$$;
comment on function auth.ascii_label(text) is
'migration: a label of a domain, in small letters, as the name service knows it; null when it can be none.';

create function auth.normal_address(address text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
    parts constant text[] := regexp_match(
        btrim(address, E' \t\n\v\f\r'),
        '^([A-Za-z0-9_!#$%&''*+/=?^`{|}~-]+(?:\.[A-Za-z0-9_!#$%&''*+/=?^`{|}~-]+)*)@([^@]+)$'
    );
    labels text[];
    normal text;
begin
    if parts is null or length(address) > 320 then
        return null;
    end if;
    labels := array(
        select auth.ascii_label(l)
        from unnest(string_to_array(auth.small_letters(parts[2]), '.')) with ordinality as u (l, n)
        order by n
    );
    normal := lower(parts[1] collate "C") || '@' || array_to_string(labels, '.');
    if cardinality(labels) < 2 or array_position(labels, null) is not null
        or length(normal) > 254 or labels[cardinality(labels)] !~ '[a-z]$'
        -- nobody is reached there (RFC 6761, 6762, 7686)
        or labels[cardinality(labels)] in ('arpa', 'invalid', 'local', 'localhost', 'onion', 'test') then
        return null;
    end if;
    return normal;
end;
$$;
comment on function auth.normal_address(text) is
'migration: the one form of an e-mail address, in which it is stored and compared; null when nobody could sign in '
'with it: it is none, has a quoted part or an address of a machine, or its domain is reached by nobody.';
reset role;

-- migrate:down
set local role segs_owner;
drop function auth.normal_address(text);
drop function auth.ascii_label(text);
drop function auth.small_letters(text);
drop function auth.from_punycode(text);
drop function auth.punycode(text);
drop function auth.punycode_adapt(bigint, integer, boolean);
drop function auth.is_domain_letter(integer);
reset role;
