-- Words of items are found by an index on PostgreSQL, too (SQLite has had one since they came).
-- A line that begins with `-- sqlite: ` or `-- postgres: ` is that database's alone.

-- Nothing but the words of a text, as SQLite's index has them: no accents of Latin letters, no punctuation (to
-- PostgreSQL's own parser `good/bad` is a path, and one word). Functions of our own, because an index and whoever
-- asks it must say the same to the letter; extensions for it (unaccent, pg_trgm) are not everywhere.
-- postgres: CREATE FUNCTION sentimeter_plain(raw text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT pg_catalog.translate(raw, 'àáâãäåÀÁÂÃÄÅçÇèéêëÈÉÊËìíîïÌÍÎÏñÑòóôõöÒÓÔÕÖùúûüÙÚÛÜýÿÝŸ!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~’‘“”«»…،؛؟', 'aaaaaaaaaaaacceeeeeeeeiiiiiiiinnoooooooooouuuuuuuuyyyy                                          ') $$;
-- Past a megabyte PostgreSQL refuses the row: the first 100,000 characters are found.
-- postgres: CREATE FUNCTION sentimeter_words(raw text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT pg_catalog.to_tsvector('pg_catalog.simple'::pg_catalog.regconfig, pg_catalog.translate(pg_catalog.left(raw, 100000), 'àáâãäåÀÁÂÃÄÅçÇèéêëÈÉÊËìíîïÌÍÎÏñÑòóôõöÒÓÔÕÖùúûüÙÚÛÜýÿÝŸ!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~’‘“”«»…،؛؟', 'aaaaaaaaaaaacceeeeeeeeiiiiiiiinnoooooooooouuuuuuuuyyyy                                          ')) $$;
-- postgres: CREATE INDEX items_by_words ON items USING GIN (sentimeter_words(text));
