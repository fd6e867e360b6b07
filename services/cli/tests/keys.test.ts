import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  lstatSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { startApiProcess } from '../../api/tests/api-process.ts';
import { createMigratedDatabase } from '../../api/tests/service.ts';
import { facepass } from '../../../scripts/local/tests/local-facepass.ts';

const scratch = mkdtempSync(join(tmpdir(), 'facepass-'));
const file = join(scratch, 'keys');
const environment = { ...process.env, API_KEYS_FILE: file };
const keys = (...args: string[]) => facepass(['keys', ...args], environment);

describe('facepass keys', () => {
  beforeEach(() => rmSync(file, { force: true }));
  after(() => rmSync(scratch, { recursive: true }));

  test('a running API accepts a created key and rejects a revoked one, without a restart', async () => {
    await using database = await createMigratedDatabase();
    const first = await keys('create', 'first');
    assert.equal(first.code, 0, first.stderr);
    await using api = await startApiProcess({
      DATABASE_URL: database.url,
      API_KEYS: '',
      API_KEYS_FILE: file,
      RATE_LIMIT_WRITES_PER_MINUTE: '0',
    });
    const statusWith = async (key: string) =>
      (await fetch(`${api.url}/api/v1/index/nothing`, { method: 'DELETE', headers: { 'X-API-Key': key } })).status;
    assert.equal(await statusWith(first.stdout.trim()), 404);

    const { key } = JSON.parse((await keys('create', 'second', '--scopes', 'delete', '--json')).stdout);
    while ((await statusWith(key)) !== 404);
    assert.equal((await keys('revoke', 'first')).code, 0);
    while ((await statusWith(first.stdout.trim())) !== 401);
    assert.equal(await statusWith(key), 404, 'the other key stays');
    const index = await fetch(`${api.url}/api/v1/index`, { method: 'POST', headers: { 'X-API-Key': key } });
    assert.equal(index.status, 403, 'it may only delete');
  });

  test('a key is printed once: neither file nor list contains it, and only the owner can read the file', async () => {
    const created = await keys('create', 'studio', '--scopes', 'index');
    const key = created.stdout.trim();
    assert.match(key, /^fp_[\w-]{32}$/);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.ok(!readFileSync(file, 'utf8').includes(key));
    const [listed] = JSON.parse((await keys('list', '--json')).stdout);
    assert.deepEqual([listed.name, listed.scopes, listed.stored], ['studio', ['index'], 'hashed']);
    assert.match(listed.fingerprint, /^[0-9a-f]{8}$/);
    assert.match((await keys('list')).stdout, /^studio +index +[0-9a-f]{8} {2}hashed\n$/);
  });

  test('a change keeps comments, plain keys, the mode and the link to the file', async () => {
    const target = join(scratch, 'elsewhere');
    writeFileSync(target, '# from the vault\nold:fp_0123456789abcdef:admin');
    chmodSync(target, 0o640);
    symlinkSync(target, file);
    assert.equal((await keys('create', 'new')).code, 0);
    assert.equal((await keys('revoke', 'new')).code, 0);
    assert.equal(readFileSync(target, 'utf8'), '# from the vault\nold:fp_0123456789abcdef:admin\n');
    assert.equal(statSync(target).mode & 0o777, 0o640);
    assert.ok(lstatSync(file).isSymbolicLink());
  });

  test('ten concurrent runs lose no created key and keep no failed one', async () => {
    const created = await Promise.all(Array.from({ length: 10 }, (_, n) => keys('create', `key-${n}`)));
    const made = created.flatMap(({ code }, n) => (code === 0 ? [`key-${n}`] : []));
    assert.ok(
      created.every(
        ({ code, stderr }) => code === 0 || (code === 2 && /another `facepass keys` is running/.test(stderr)),
      ),
    );
    assert.ok(made.length > 0);
    const listed = JSON.parse((await keys('list', '--json')).stdout).map(({ name }: { name: string }) => name);
    assert.deepEqual(listed.sort(), made.sort());
    assert.equal(existsSync(`${file}.new`), false);
  });

  test('mistakes have their exit codes, name the rule and change nothing', async () => {
    await keys('create', 'studio');
    const before = readFileSync(file, 'utf8');
    const cases: [args: string[], code: number, message: RegExp][] = [
      [['create', 'studio'], 2, /already has a key named studio/],
      [['create', 'a b'], 2, /1 to 64 letters/],
      [
        ['create', 'other', '--scopes', 'index+everything'],
        2,
        /Unknown scope "everything"; the scopes are index, delete, admin/,
      ],
      [['revoke', 'nobody'], 5, /has no key named nobody/],
      [['create', 'other', '--file', join(scratch, 'no/such/keys')], 2, /The folder of .*keys\.new does not exist/],
    ];
    for (const [args, code, message] of cases) {
      const ended = await keys(...args);
      assert.equal(ended.code, code, args.join(' '));
      assert.match(ended.stderr, message);
    }
    assert.equal(readFileSync(file, 'utf8'), before);
    writeFileSync(file, 'studio:short');
    const broken = await keys('list');
    assert.equal(broken.code, 2);
    assert.match(broken.stderr, /keys: entry 1 must have a key of 16/);
    const nowhere = await facepass(['keys', 'list'], { ...process.env, API_KEYS_FILE: '' });
    assert.match(nowhere.stderr, /--file/);
  });
});
