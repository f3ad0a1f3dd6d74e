create function alert.is_suspect(readings bigint, energy bigint, high bigint) returns boolean
language sql immutable parallel safe
return readings = 0 or energy <= 0 or energy > high;

comment on function alert.is_suspect(bigint, bigint, bigint) is
'Whether a meter''s window might break a rule: silent, zero, negative, or above the lowest high threshold (mWh).';
