"""An Amazon Redshift Serverless on one machine, for tests: database, STS, GetCredentials, S3, UNLOAD."""
