/**
 * Files in S3 and in what speaks as it does, by addresses as `s3://bucket/key`: anonymous, or signed with the keys of the
 * environment (AWS Signature Version 4, https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html).
 */

import { createHash, createHmac } from 'node:crypto';
import { DatasetError } from '../../errors.ts';
import type { Fetch } from '../../workflows/web-files.ts';

export interface S3Settings {
  readonly region: string;
  /** Where another service than Amazon's is; buckets are then a part of its paths. */
  readonly endpoint?: string;
  /** Without them requests are anonymous. */
  readonly keys?: { readonly id: string; readonly secret: string; readonly token?: string };
}

/** By the variables that the programs of Amazon have. @throws DatasetError for half of a pair of keys */
export function s3Settings(environment: NodeJS.ProcessEnv): S3Settings {
  const of = (name: string): string | undefined => environment[name] || undefined;
  const [id, secret] = [of('AWS_ACCESS_KEY_ID'), of('AWS_SECRET_ACCESS_KEY')];
  if ((id === undefined) !== (secret === undefined)) {
    const [there, missing] =
      id === undefined ? ['SECRET_ACCESS_KEY', 'ACCESS_KEY_ID'] : ['ACCESS_KEY_ID', 'SECRET_ACCESS_KEY'];
    throw new DatasetError(`AWS_${there} is set, but AWS_${missing} is not.`, { remedy: 'Set both, or neither.' });
  }
  return {
    region: of('AWS_REGION') ?? of('AWS_DEFAULT_REGION') ?? 'us-east-1',
    endpoint: of('AWS_ENDPOINT_URL_S3') ?? of('AWS_ENDPOINT_URL'),
    ...(id !== undefined && secret !== undefined && { keys: { id, secret, token: of('AWS_SESSION_TOKEN') } }),
  };
}

/** Each part of a key in the form that is signed: all but letters, digits, - . _ and ~ by their bytes. */
const encoded = (key: string): string =>
  key
    .split('/')
    .map((part) =>
      encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
    )
    .join('/');

/** The address of `s3://bucket/key`. @throws DatasetError without a bucket */
export function s3Url(address: string, { region, endpoint }: S3Settings): URL {
  const [, bucket, key = ''] = /^s3:\/\/([^/]+)\/?(.*)$/i.exec(address) ?? [];
  if (bucket === undefined) {
    throw new DatasetError('this address names no bucket.', { file: address, remedy: 'Use s3://bucket/key.' });
  }
  if (endpoint !== undefined) return new URL(`${endpoint.replace(/\/+$/, '')}/${bucket}/${encoded(key)}`);
  const host = `s3.${region}.amazonaws.com`;
  // The certificate is for names without another dot.
  return new URL(
    bucket.includes('.') ? `https://${host}/${bucket}/${encoded(key)}` : `https://${bucket}.${host}/${encoded(key)}`,
  );
}

/** The SHA-256 of no bytes: requests have no body. */
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** The headers of a request that say whose it is; none for an anonymous one. */
function signed(url: URL, method: string, { region, keys }: S3Settings, now: Date): Readonly<Record<string, string>> {
  if (keys === undefined) return {};
  const time = now.toISOString().replace(/[-:]|\.\d+/g, '');
  const day = time.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const headers: Record<string, string> = {
    'x-amz-content-sha256': EMPTY,
    'x-amz-date': time,
    ...(keys.token !== undefined && { 'x-amz-security-token': keys.token }),
  };
  const all = Object.entries({ host: url.host, ...headers });
  const names = all.map(([name]) => name).join(';');
  const lines = all.map(([name, value]) => `${name}:${value}\n`).join('');
  const request = [method, url.pathname, '', lines, names, EMPTY].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(request).digest('hex')].join('\n');
  const hmac = (key: string | Buffer, of: string): Buffer => createHmac('sha256', key).update(of).digest();
  const key = [region, 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${keys.secret}`, day));
  const signature = hmac(key, text).toString('hex');
  return {
    ...headers,
    Authorization: `AWS4-HMAC-SHA256 Credential=${keys.id}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/**
 * `fetch` of addresses in S3 as well.
 * @param settings asked for with each request, as keys may be renewed
 * @throws DatasetError, from the result, for what S3 refuses
 */
export function withS3(fetch: Fetch, settings: () => S3Settings, now: () => Date = () => new Date()): Fetch {
  return async (address, options = {}) => {
    if (!/^s3:/i.test(address)) return fetch(address, options);
    const own = settings();
    const url = s3Url(address, own);
    const { method = 'GET' } = options;
    const headers = { ...options.headers, ...signed(url, method, own, now()) };
    const response = await fetch(url.href, { ...options, headers });
    const { status } = response;
    if (status < 300 || status === 404 || status === 416 || status >= 500) return response;
    const said = new TextDecoder().decode(await response.arrayBuffer());
    const code = /<Code>(\w+)<\/Code>/.exec(said)?.[1] ?? String(status);
    const region = response.headers.get('x-amz-bucket-region') ?? undefined;
    throw refused(address, { code, status, region }, own);
  };
}

/** What S3 says by a status and a code, as a sentence. */
function refused(
  file: string,
  { code, status, region }: { readonly code: string; readonly status: number; readonly region: string | undefined },
  { keys, region: asked }: S3Settings,
): DatasetError {
  if (region !== undefined && region !== asked && status !== 403) {
    return new DatasetError(`this bucket lies in the region ${region}, not in ${asked}.`, {
      file,
      remedy: `Set AWS_REGION=${region}.`,
    });
  }
  if (status !== 403 && status !== 401) {
    return new DatasetError(`S3 answers ${code}.`, {
      file,
      remedy: 'Check the address, AWS_REGION and AWS_ENDPOINT_URL.',
    });
  }
  const key = keys === undefined ? '' : ` to the access key ${keys.id}`;
  const remedy =
    keys === undefined
      ? 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or check the name'
      : 'Check the keys, their rights to read and to list the bucket, the clock, and the name';
  return new DatasetError(`S3 refuses access${key} (${code}).`, {
    file,
    remedy: `${remedy}: what does not exist is refused, too, to those who may not list.`,
  });
}
