-- Hashes with which a client can split a table (https://docs.aws.amazon.com/redshift/latest/dg/hash-functions.html).

-- FNV-1a of 64 bits in two halves, because BIGINT has no unsigned product. The prime is 2^40 + 435.
CREATE FUNCTION pg_catalog.pg_sandbox_fnv1a(bytes bytea, seed bigint, backwards boolean) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  size integer := pg_catalog.length(bytes);
  high bigint := (seed >> 32) & 4294967295;
  low bigint := seed & 4294967295;
  product bigint;
BEGIN
  FOR i IN 0 .. size - 1 LOOP
    low := low # pg_catalog.get_byte(bytes, CASE WHEN backwards THEN size - 1 - i ELSE i END);
    product := low * 435;
    high := (high * 435 + (product >> 32) + (low << 8)) & 4294967295;
    low := product & 4294967295;
  END LOOP;
  RETURN (high << 32) | low;
END $$;

-- Numbers and times are hashed as they are in memory, lowest byte first: compared with the examples of
-- https://docs.aws.amazon.com/redshift/latest/dg/r_FNV_HASH.html. DECIMAL by its digits, and NULL for NULL (assumed).
DO $$
DECLARE
  kind text;
  bytes text;
  backwards text;
BEGIN
  FOR kind, bytes, backwards IN VALUES
    ('smallint', 'pg_catalog.int2send($1)', 'true'), ('integer', 'pg_catalog.int4send($1)', 'true'),
    ('bigint', 'pg_catalog.int8send($1)', 'true'), ('real', 'pg_catalog.float4send($1)', 'true'),
    ('double precision', 'pg_catalog.float8send($1)', 'true'), ('date', 'pg_catalog.date_send($1)', 'true'),
    ('timestamp', 'pg_catalog.timestamp_send($1)', 'true'), ('timestamptz', 'pg_catalog.timestamptz_send($1)', 'true'),
    ('boolean', 'pg_catalog.boolsend($1)', 'false'), ('text', 'pg_catalog.textsend($1)', 'false'),
    ('char', 'pg_catalog.bpcharsend($1)', 'false'), ('bytea', '$1', 'false'),
    ('numeric', 'pg_catalog.textsend(pg_catalog.trim_scale($1)::text)', 'false')
  LOOP
    EXECUTE pg_catalog.format('CREATE FUNCTION pg_catalog.fnv_hash(%s) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE'
      ' AS ''SELECT pg_catalog.pg_sandbox_fnv1a(%s, -3750763034362895579, %s)''', kind, bytes, backwards);
    EXECUTE pg_catalog.format('CREATE FUNCTION pg_catalog.fnv_hash(%s, bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE'
      ' AS ''SELECT pg_catalog.pg_sandbox_fnv1a(%s, $2, %s)''', kind, bytes, backwards);
  END LOOP;
  -- These two distribute values as Redshift's do, but their results are different.
  FOREACH kind IN ARRAY ARRAY['text', 'bytea'] LOOP
    EXECUTE pg_catalog.format('CREATE FUNCTION pg_catalog.farmfingerprint64(%s) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE'
      ' AS ''SELECT pg_catalog.hashtextextended($1::text, 0)''', kind);
  END LOOP;
  FOREACH kind IN ARRAY ARRAY['bigint', 'numeric', 'text', 'date', 'timestamp', 'timestamptz', 'boolean', 'double precision'] LOOP
    EXECUTE pg_catalog.format('CREATE FUNCTION pg_catalog.checksum(%s) RETURNS integer LANGUAGE sql STABLE STRICT PARALLEL SAFE'
      ' AS ''SELECT pg_catalog.hashtext($1::text)''', kind);
  END LOOP;
END $$;

-- https://docs.aws.amazon.com/redshift/latest/dg/r_STRTOL.html
CREATE FUNCTION pg_catalog.strtol(digits text, base integer) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  left_over text := pg_catalog.lower(pg_catalog.btrim(digits));
  sign integer := 1;
  total numeric := 0;
  value integer;
BEGIN
  IF base NOT BETWEEN 2 AND 36 THEN
    RAISE EXCEPTION 'invalid base %', base USING ERRCODE = '22023';
  END IF;
  IF left_over ~ '^[-+]' THEN
    sign := CASE pg_catalog.left(left_over, 1) WHEN '-' THEN -1 ELSE 1 END;
    left_over := pg_catalog.substr(left_over, 2);
  END IF;
  IF base = 16 THEN
    left_over := pg_catalog.regexp_replace(left_over, '^0x', '');
  END IF;
  FOR i IN 1 .. pg_catalog.length(left_over) LOOP
    value := pg_catalog.strpos('0123456789abcdefghijklmnopqrstuvwxyz', pg_catalog.substr(left_over, i, 1)) - 1;
    IF value < 0 OR value >= base THEN
      RAISE EXCEPTION 'The input % is not valid to be converted to base %', digits, base USING ERRCODE = '22023';
    END IF;
    total := total * base + value;
  END LOOP;
  RETURN sign * total;
END $$;

-- Hexadecimal digits, in small letters; the empty text for a number of bits that there is not
-- (https://docs.aws.amazon.com/redshift/latest/dg/SHA2.html). NULL for NULL (assumed).
CREATE FUNCTION pg_catalog.sha2(value text, bits integer) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE bits
    WHEN 0 THEN pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(value, 'UTF8')), 'hex')
    WHEN 224 THEN pg_catalog.encode(pg_catalog.sha224(pg_catalog.convert_to(value, 'UTF8')), 'hex')
    WHEN 256 THEN pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(value, 'UTF8')), 'hex')
    WHEN 384 THEN pg_catalog.encode(pg_catalog.sha384(pg_catalog.convert_to(value, 'UTF8')), 'hex')
    WHEN 512 THEN pg_catalog.encode(pg_catalog.sha512(pg_catalog.convert_to(value, 'UTF8')), 'hex')
    ELSE '' END $$;
