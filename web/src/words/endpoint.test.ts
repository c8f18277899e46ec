import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEndpoint } from './endpoint.ts';

const HOST = 'analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com';
const part = (text: string) => {
  const parsed = parseEndpoint(text);
  assert.ok('endpoint' in parsed, text);
  return parsed.endpoint;
};

test('an endpoint is taken apart in every form in which it is copied', () => {
  for (const text of [
    `${HOST}:5439/dev`,
    `  jdbc:redshift://${HOST}:5439/dev\n`,
    `"redshift://${HOST.toUpperCase()}:5439/dev?ssl=true"`,
    `jdbc:redshift:iam://${HOST}:5439/dev;Profile=x`,
    `postgresql://${HOST}.:5439/dev`,
  ]) {
    assert.deepEqual(part(text), {
      host: HOST,
      port: 5439,
      database: 'dev',
      workgroup: 'analytics',
      account: '123456789012',
      region: 'us-east-1',
    });
  }
});

test('a host alone tells neither port nor database', () => {
  assert.equal(part(HOST).port, null);
  assert.equal(part(HOST).database, null);
});

test('a VPC endpoint does not tell the workgroup', () => {
  assert.equal(part(HOST.replace('analytics', 'x-endpoint-abc123')).workgroup, null);
});

test('what is no workgroup is told', () => {
  for (const [text, word] of [
    ['arn:aws:redshift-serverless:us-east-1:1:workgroup/x', 'ARN'],
    ['https://us-east-1.console.aws.amazon.com/redshiftv2', 'page'],
    ['examplecluster.abc123.us-west-2.redshift.amazonaws.com:5439/dev', 'provisioned'],
    [`me:secret@${HOST}`, 'password'],
    [`${HOST}:99999`, 'port'],
    ['', 'no host'],
    ['a b', 'characters'],
  ] as const) {
    const parsed = parseEndpoint(text);
    assert.ok('problem' in parsed && parsed.problem.includes(word), `${text}: ${JSON.stringify(parsed)}`);
    assert.ok(!parsed.problem.includes('secret'));
  }
});
