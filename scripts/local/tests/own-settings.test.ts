import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pg from 'pg';
import { createTestDatabase } from '../../checks/test-database.ts';
import { networkAddresses } from '../network.ts';
import { freePort } from '../services.ts';
import { facepass, root, shell, startLocally } from './local-facepass.ts';

const scratch = mkdtempSync(join(tmpdir(), 'facepass-'));
const data = join(scratch, 'data');
after(() => rmSync(scratch, { recursive: true, force: true }));
const KEY = 'a-key-of-the-one-who-starts-it';

test('a start uses the PostgreSQL, the keys and the rate limits that it is given, and lets phones in with --host', async (t) => {
  await using database = await createTestDatabase();
  if (database.engine === 'embedded') return t.skip('needs PostgreSQL: FACEPASS_TEST_DATABASE_URL');
  const environment = {
    ...process.env,
    DATABASE_URL: database.url,
    API_KEYS: `studio:${KEY}:index`,
    RATE_LIMIT_SEARCHES_PER_MINUTE: '7',
    XDG_STATE_HOME: join(scratch, 'state'),
  };
  const local = await startLocally(data, await freePort(0), environment, [], ['--host']);
  try {
    const output = local.output();
    for (const step of [/Migrating the schema of your PostgreSQL \.\.\./, /Loading the models \.\.\./])
      assert.match(output, step);
    assert.match(output, /Limits +50 MB and 12,288 × 12,288 pixels per photo; the defaults .* 10 MB and 4,096/);
    assert.match(output, /Database +your PostgreSQL/);
    assert.equal(existsSync(join(data, 'database')), false, 'no embedded database');
    const cli = { ...environment, FACEPASS_URL: local.url };
    for (const [session, FACEPASS_API_KEY] of [
      ['given', KEY],
      ['development', local.apiKey],
    ] as const) {
      const { code, stderr } = await facepass(['index', join(root, 'samples'), '-s', session], {
        ...cli,
        FACEPASS_API_KEY,
      });
      assert.equal(code, 0, stderr);
    }
    assert.deepEqual(await sessionsOf(database.url), ['development', 'given']);
    const status = await fetch(`${local.url}/api/v1/search/status/given`);
    assert.match(status.headers.get('RateLimit-Policy') ?? '', /q=7;/);
    const [address] = networkAddresses();
    if (!address) return t.diagnostic('this machine has no network: --host says so');
    assert.match(output, /WARNING: every device on this network can reach Facepass, unencrypted\./);
    assert.match(output, /[█▀▄ ]{20,}\n/, 'a QR code');
    const guests = /For guests +(\S+)/.exec(output)?.[1] ?? '';
    assert.equal(new URL(guests).hostname, address);
    assert.equal((await fetch(guests)).status, 200);
  } finally {
    local.process.kill('SIGINT');
    await once(local.process, 'exit');
    assert.match(local.output(), /Stopped\. The faces are in your PostgreSQL/);
  }
});

test('a start refuses a variable that it cannot honour before it prepares anything', async () => {
  const { code, stderr } = await shell(`./scripts/start --data ${join(scratch, 'none')}`, {
    ...process.env,
    API_KEYS_FILE: '/keys',
  });
  assert.equal(code, 1);
  assert.match(stderr, /API_KEYS_FILE: a start has a development key of its own; add others with API_KEYS\n/);
  assert.equal(existsSync(join(scratch, 'none')), false);
});

async function sessionsOf(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query('select session_id from sessions order by 1')).rows.map(({ session_id }) => session_id);
  } finally {
    await client.end();
  }
}
