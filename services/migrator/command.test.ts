import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommand } from './command.ts';
import { readConfig } from './config.ts';
import { exitCodeOf, Refusal } from './exit.ts';

test('rejects an unknown command line and prints the usage', () => {
  for (const line of [
    '',
    'sideways',
    'up --quickly',
    'up --dry-run',
    'up --to 4',
    'up --to 2 --grant-to x',
    'down',
    'down --to 3',
    'purge',
    'purge --older-than-days 1.5',
    'verify --to 2',
    'up down',
  ])
    assert.throws(
      () => parseCommand(line.split(' ').filter(Boolean)),
      (error: Refusal) => error.exitCode === 64 && /migrator up/.test(error.message),
      line,
    );
});

test('parses every command with its options', () => {
  assert.deepEqual(parseCommand(['up', '--grant-to', 'facepass-api']), {
    name: 'up',
    to: 3,
    contract: false,
    grantTo: 'facepass-api',
  });
  assert.deepEqual(parseCommand(['down', '--to=1', '--dry-run']), { name: 'down', to: 1, dryRun: true, setAside: [] });
  assert.deepEqual(parseCommand(['down', '--to', '2', '--set-aside', 'a-1,b-2']), {
    name: 'down',
    to: 2,
    dryRun: false,
    setAside: ['a-1', 'b-2'],
  });
  assert.deepEqual(parseCommand(['purge', '--older-than-days', '0']), { name: 'purge', days: 0 });
});

test('requires one database and an existing pack', async () => {
  const names = async (environment: NodeJS.ProcessEnv) =>
    readConfig(environment).then(
      () => '',
      (error: Error) => error.message,
    );
  assert.match(await names({}), /DATABASE_URL: set it or POSTGRES_HOST/);
  assert.match(await names({ DATABASE_URL: 'postgres://x/y', POSTGRES_HOST: 'x' }), /not both/);
  assert.match(await names({ DATABASE_URL: 'postgres://x/y', MODEL_PACK: 'nonesuch' }), /MODEL_PACK: .*nonesuch/);
  assert.match(
    await names({ DATABASE_URL: 'mysql://x', MIGRATION_BATCH_ROWS: '0' }),
    /DATABASE_URL: .*\n.*MIGRATION_BATCH_ROWS/,
  );
});

test('maps PostgreSQL errors to exit codes: retry, configuration, data or failure', () => {
  const codeOf = (code: string) => exitCodeOf(Object.assign(new Error('…'), { code }));
  assert.deepEqual(
    ['08006', '40P01', '53100', '53300', '55P03', '57014', '57P01', 'ECONNREFUSED', 'ENOTFOUND'].map(codeOf),
    Array(9).fill(75),
  );
  const canceled = (reason: string) =>
    exitCodeOf(Object.assign(new Error(`canceling statement due to ${reason}`), { code: '57014' }));
  assert.deepEqual(['user request', 'statement timeout'].map(canceled), [75, 78]);
  assert.deepEqual(['28P01', '3D000', '42501'].map(codeOf), [78, 78, 78]);
  assert.deepEqual(['22000', '23505'].map(codeOf), [65, 65]);
  assert.deepEqual(['42601', 'XX000'].map(codeOf), [1, 1]);
});
