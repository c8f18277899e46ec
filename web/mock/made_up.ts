// Documents of docs/CLI_JSON.md with made-up values.
type Json = Record<string, any>;

const finding = (step: string, seen: string, more: Json = {}): Json => ({
  id: `${step}.ok`, step, severity: 'ok', subject: '', title: '', seen, why: '', remedy: '', cause: '', code: null, ...more }); // prettier-ignore

export function checkFindings(good: boolean): Json[] {
  return [
    finding('configuration', 'the configuration is right'),
    finding('network', 'the workgroup answers on port 5439'),
    finding('identity', 'signed in as arn:aws:sts::123456789012:assumed-role/sluice-reader/sluice-acme'),
    ...(good
      ? [
          finding('database_credentials', 'AWS gave a user and password for an hour'),
          finding('login', 'logged in as IAMR:sluice-reader'),
          finding('database_user', 'the user may create tables in public', {
            severity: 'warning',
            title: 'more rights than needed',
            why: 'It only reads.',
            remedy: 'Run as a superuser:\nREVOKE CREATE ON SCHEMA public FROM PUBLIC;',
          }),
          finding('bucket', 'the bucket is in us-east-1'),
          finding('bucket_rights', 'files can be written, read, listed and deleted'),
          finding('unload', 'Redshift wrote a file, it was read and deleted'),
        ]
      : [
          finding('database_credentials', 'AWS refused GetCredentials', {
            severity: 'failure',
            title: 'no right to log in',
            why: 'Without it nobody logs in.',
            remedy: 'Attach this statement to the role:\n{"Effect": "Allow", "Action": "redshift-serverless:GetCredentials", "Resource": "*"}',
            cause: 'AccessDeniedException: not authorized to perform redshift-serverless:GetCredentials',
          }),
          finding('bucket', 'not looked at', { severity: 'skipped' }),
        ]),
  ];
}

export const setup = (body: Json) => ({
  pattern: 'A',
  network: `aws ec2 authorize-security-group-ingress --group-id <SECURITY_GROUP_ID> --ip-permissions IpProtocol=tcp,FromPort=${body['port'] ?? 5439}\n`,
  sql: `CREATE USER "${body['username'] ?? 'IAMR:sluice-reader'}" PASSWORD DISABLE;\nGRANT USAGE ON SCHEMA "sales" TO "IAMR:sluice-reader";\n`,
  bucket: `aws s3api create-bucket --bucket ${body['bucket'] ?? '<BUCKET>'}\n`,
  iam: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'redshift-serverless:GetCredentials' }] }, null, 2),
  trust: '{}', tag: '', unload_role: '', terraform: 'resource {}', notes: [],
  placeholders: [{ name: '<SECURITY_GROUP_ID>', meaning: 'the security group of the workgroup', how: 'aws redshift-serverless get-workgroup …' }],
}); // prettier-ignore

const column = (name: string, type: string) => ({ name, type, nullable: true });

export function discover() {
  const table = (schema: string, name: string, rows: number, key: boolean): Json => ({
    name: `${schema}.${name}`,
    schema,
    table: name,
    type: 'TABLE',
    columns: [column('id', 'bigint'), column('name', 'varchar(100)'), column('updated_at', 'timestamp')],
    unreadable_columns: [],
    hidden: null,
    primary_key: key ? ['id'] : [],
    proposed: key
      ? { sync_mode: 'incremental', write_mode: 'merge', primary_key: ['id'], cursor: 'updated_at', reason: 'It has a key and a column that grows with each change.' }
      : { sync_mode: 'full_refresh', write_mode: 'overwrite', primary_key: [], cursor: null, reason: 'It has no key.' },
    rows,
    bytes: rows * 120,
  });
  const schema = (name: string, tables: Json[]) => ({ name, type: 'local', tables });
  return {
    schemas: [
      schema('sales', [table('sales', 'orders', 1500000, true), table('sales', 'lines', 6001215, true), table('sales', 'regions', 5, false)]),
      schema('hr', [table('hr', 'people', 120, true), table('hr', 'a_table_with_a_name_that_is_really_rather_long_for_a_phone', 7, false)]),
    ],
  };
}

export function runEvents(stream: string, index: number) {
  const rows = 1000 * (index + 1) ** 3;
  const proof = { agrees: true, notice_rows: rows, manifest_rows: rows, footer_rows: rows, loaded_rows: rows, parts: 2 };
  const result: Json = { stream, target: stream, status: 'done', rows, bytes: rows * 90, seconds: 2.2, proof, watermark: null, warnings: [], error: null,
    counts: { inserted: rows, updated: 0, unchanged: 0, deleted: 0, skipped: 0 } }; // prettier-ignore
  const phase = (name: string) => ({ event: 'stream_phase', data: { stream, phase: name } });
  const progress = (loaded: number, total: number | null) => ({
    event: 'stream_progress',
    data: { stream, phase: 'load', rows_loaded: loaded, rows_total: total, bytes_fetched: 0, bytes_total: null },
  });
  const events = [phase('plan'), phase('unload'), progress(rows / 4, null), progress(rows / 2, rows), phase('commit'), { event: 'stream_ended', data: result }];
  return { events, result };
}
