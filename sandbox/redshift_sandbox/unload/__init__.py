"""UNLOAD: parse the statement, read the rows, write the files as Redshift writes them, put them into S3."""
