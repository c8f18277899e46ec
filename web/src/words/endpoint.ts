// The endpoint as people paste it -> its pieces, by the rules of src/redshift/endpoint.h. The service reads it again
// itself: this is so that the form can fill in what is known while somebody types.

export interface Endpoint {
  host: string;
  port: number | null;
  database: string | null;
  workgroup: string | null;
  account: string | null;
  region: string | null;
}

const SCHEMES = ['jdbc:redshift', 'jdbc:redshift:iam', 'redshift', 'redshift+psycopg2', 'postgres', 'postgresql', 'jdbc:postgresql'];

export type Parsed = { endpoint: Endpoint } | { problem: string };

export function parseEndpoint(pasted: string): Parsed {
  let text = pasted.replace(/^[\s"'`<>]+|[\s"'`<>]+$/g, '');
  if (text.startsWith('arn:')) return { problem: 'This is an ARN. The endpoint of the workgroup is needed.' };
  const mark = text.indexOf('://');
  if (mark >= 0) {
    if (!SCHEMES.includes(text.slice(0, mark).toLowerCase())) {
      return { problem: 'This is the address of a page, not the endpoint of a workgroup.' };
    }
    text = text.slice(mark + 3);
  }
  text = text.replace(/[?;].*$/s, '');
  const [place = '', ...path] = text.split('/');
  const database = path.join('/').trim() || null;
  if (place.includes('@')) return { problem: 'A user or password stands in it. Leave them out: Sluice gets its own.' };
  if (database?.includes('/')) return { problem: 'There is a path behind the database.' };
  const [, host = '', port] = /^\s*(.*?)(?::(\d*))?\s*$/s.exec(place) ?? [];
  return checked(host.trim().toLowerCase().replace(/\.$/, ''), port, database);
}

function checked(host: string, portText: string | undefined, database: string | null): Parsed {
  const port = portText ? Number(portText) : null;
  if (port !== null && !(port >= 1 && port <= 65535)) return { problem: 'The port is not a number from 1 to 65535.' };
  if (host === '') return { problem: 'There is no host in it.' };
  if (!/^[a-z0-9.\-_]+$/.test(host) || host.startsWith('.') || host.includes('..')) {
    return { problem: 'It holds characters that no host name has.' };
  }
  const labels = host.split('.');
  const serverless = labels.length >= 6 && labels[3] === 'redshift-serverless';
  if (!serverless && labels.includes('redshift') && host.includes('.amazonaws.com')) {
    return { problem: 'This is a provisioned cluster. Sluice reads workgroups of Redshift Serverless.' };
  }
  if (!serverless && /\.amazonaws\.com$/.test(host) && labels.includes('redshift-serverless')) {
    return { problem: 'Parts of the endpoint are missing. Copy it whole from the workgroup’s page.' };
  }
  const [workgroup = null, account = null, region = null] = serverless ? labels : [];
  return { endpoint: { host, port, database, workgroup: workgroup?.includes('-endpoint-') ? null : workgroup, account, region } };
}
