"""The AWS services of the sandbox: STS, redshift-serverless and S3 on one HTTPS port."""
