import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { createMigratedDatabase, startTestService, type TestService } from '../../api/tests/service.ts';
import { startInferenceProcess, type InferenceProcess } from '../../inference/tests/inference-process.ts';
import { freePort } from '../../../scripts/local/services.ts';
import { createTestDatabase, type TestDatabase } from '../../../scripts/checks/test-database.ts';
import type { Finding } from '../doctor/finding.ts';
import { noRedis, OTHER_USER, startPasswordServer, startRedis, type TestRedis } from './servers.ts';

const root = join(import.meta.dirname, '../../..');
const server = process.env['FACEPASS_TEST_DATABASE_URL'];
const needsPostgres = server ? false : 'needs FACEPASS_TEST_DATABASE_URL: the fault is one of a PostgreSQL server';
const KEY = 'fp_key_of_the_doctor_tests';
const ERASER = 'fp_key_that_may_only_erase';

describe('facepass doctor, on an installation with one fault', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'facepass-'));
  const keysFile = join(scratch, 'keys');
  const models = join(scratch, 'models');
  let database: TestDatabase;
  let inference: InferenceProcess;
  let service: TestService;
  let redis: TestRedis | null;
  /** The environment of a healthy installation. */
  let healthy: Record<string, string>;

  before(async () => {
    chmodSync(scratch, 0o755);
    mkdirSync(join(scratch, 'state'));
    chmodSync(join(scratch, 'state'), 0o777);
    writeFileSync(keysFile, `studio:${KEY}\neraser:${ERASER}:delete\n`, { mode: 0o640 });
    cpSync(join(root, 'models/sface'), join(models, 'sface'), { recursive: true });
    cpSync(join(root, 'models/mobilefacenet'), join(models, 'mobilefacenet'), { recursive: true });
    redis = noRedis ? null : await startRedis();
    [database, inference] = await Promise.all([
      createMigratedDatabase(),
      startInferenceProcess({ INFERENCE_WORKERS: '1' }),
    ]);
    service = await startTestService({
      inference: null,
      database,
      environment: { INFERENCE_ADDRESS: inference.address, API_KEYS: `studio:${KEY}, eraser:${ERASER}:delete` },
    });
    healthy = {
      FACEPASS_URL: service.url,
      FACEPASS_API_KEY: KEY,
      XDG_STATE_HOME: join(scratch, 'state'),
      DATABASE_URL: database.url,
      INFERENCE_ADDRESS: inference.address,
      MODEL_PACK: 'sface',
      MODELS_DIRECTORY: models,
      API_KEYS_FILE: keysFile,
      ...(redis && { REDIS_URL: `redis://127.0.0.1:${redis.port}` }),
    };
  });
  after(async () => {
    for (const one of [service, inference, database, redis]) await one?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** Runs the doctor in the healthy environment with `changes`, as the user `uid`. */
  async function diagnose(
    changes: Record<string, string> = {},
    options: { uid?: number; args?: string[] } = {},
  ): Promise<{ code: number; findings: Finding[] }> {
    const inherited = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => /^(PATH|NODE_V8_COVERAGE)$/.test(name)),
    );
    const ofUser =
      options.uid === undefined ? {} : { XDG_STATE_HOME: join(scratch, 'state/of-another-user'), DATABASE_URL: '' };
    return new Promise((resolve, reject) => {
      const args = [join(root, 'services/cli/main.ts'), 'doctor', '--json', ...(options.args ?? [])];
      execFile(
        process.execPath,
        args,
        { uid: options.uid, cwd: scratch, env: { ...inherited, ...healthy, ...ofUser, ...changes } },
        (error, stdout, stderr) => {
          if (!stdout) return reject(new Error(stderr));
          resolve({ code: Number(error?.code ?? 0), findings: JSON.parse(stdout) });
        },
      );
    });
  }

  /** Expects exactly this fault. */
  async function expectFault(
    fault: RegExp,
    mend: RegExp,
    changes: Record<string, string> = {},
    options: { uid?: number; args?: string[] } = {},
  ): Promise<void> {
    const { code, findings } = await diagnose(changes, options);
    const faults = findings.filter((finding) => finding.fault);
    assert.equal(code, 1);
    assert.equal(faults.length, 1, JSON.stringify(faults, null, 1));
    assert.match(`${faults[0]?.what}: ${faults[0]?.fault}`, fault);
    assert.match(faults[0]?.mend ?? '', mend);
  }

  test('a healthy installation passes every check', async () => {
    const { code, findings } = await diagnose();
    assert.deepEqual(
      findings.filter(({ fault }) => fault),
      [],
    );
    assert.equal(code, 0);
    const seen = findings.map(({ what }) => what).join('\n');
    for (const what of [
      /journals/,
      /^clock$/m,
      /database of the service/,
      /API key and an index call/,
      /model file .*recogniser/,
      /^database facepass_test|^database .* at/m,
      /inference at .*sface-3/,
      /keys file/,
    ])
      assert.match(seen, what);
    assert.equal(
      (await service.call('GET', '/api/v1/search/status/facepass-doctor')).body.indexed,
      false,
      'the blank image left nothing',
    );
  });

  describe('the database', () => {
    const withOwn = async (work: (own: TestDatabase, run: (sql: string) => Promise<void>) => Promise<void>) => {
      await using own = await createMigratedDatabase();
      await work(own, async (sql) => {
        const client = new pg.Client({ connectionString: own.administratorUrl });
        await client.connect();
        await client.query(sql).finally(() => client.end());
      });
    };

    test('is down', async () => {
      await expectFault(/ECONNREFUSED/, /Start PostgreSQL/, {
        DATABASE_URL: `postgres://facepass@127.0.0.1:${await freePort(0)}/facepass`,
      });
    });

    test('rejects the password', { skip: needsPostgres }, async (t) => {
      await using own = await startPasswordServer(server!);
      if (!own) return t.skip('needs the programs of the PostgreSQL server on this machine');
      await expectFault(/password authentication failed/, /Correct the password/, {
        DATABASE_URL: own.url.replace('right', 'wrong'),
      });
    });

    test('lacks the role, or the database', { skip: needsPostgres }, async () => {
      const url = new URL(database.url);
      url.username = 'nobody_of_that_name';
      await expectFault(/role "nobody_of_that_name" does not exist/, /create that role/, { DATABASE_URL: url.href });
      await expectFault(/database "no_such_database" does not exist/, /Create the database/, {
        DATABASE_URL: new URL('/no_such_database', database.url).href,
      });
    });

    test('is not migrated', async () => {
      await using own = await createTestDatabase();
      await expectFault(/it is not migrated/, /Run the migration/, { DATABASE_URL: own.url });
    });

    test('has a schema of a newer release', () =>
      withOwn(async (own, run) => {
        await run('create or replace function schema_version() returns integer language sql stable as $$ select 4 $$');
        await expectFault(/schema has version 4, this release knows 3/, /Run the newer release/, {
          DATABASE_URL: own.url,
        });
      }));

    test('has an old pgvector', () =>
      withOwn(async (own, run) => {
        await run(`update pg_extension set extversion = '0.8.0' where extname = 'vector'`);
        await expectFault(/pgvector 0\.8\.0 is older than 0\.8\.4/, /alter extension vector update/, {
          DATABASE_URL: own.url,
        });
      }));

    test('holds vectors of another length', () =>
      withOwn(async (own, run) => {
        await run('alter table faces alter column embedding type halfvec(512), drop column other_embedding');
        await expectFault(/vectors of 512 dimensions only, the model pack makes 128/, /migrator\/main\.ts up/, {
          DATABASE_URL: own.url,
        });
      }));

    test('is read-only', { skip: needsPostgres }, () =>
      withOwn(async (own, run) => {
        await run(
          `do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$`,
        );
        await expectFault(/it is read-only/, /primary/, { DATABASE_URL: own.url });
      }),
    );

    test('grants the role too few rights', { skip: needsPostgres }, () =>
      withOwn(async (own, run) => {
        const role = `facepass_doctor_${process.pid}`;
        await run(`create role ${role} login password '${role}'`);
        const url = Object.assign(new URL(own.url), { username: role, password: role });
        await expectFault(/may not read and write the tables|permission denied/, /--grant-to/, {
          DATABASE_URL: url.href,
        }).finally(() => run(`drop role ${role}`));
      }),
    );
  });

  describe('Redis', { skip: noRedis }, () => {
    test('is down', async () => {
      await expectFault(/ECONNREFUSED.*each process counts/, /Start Redis/, {
        REDIS_URL: `redis://127.0.0.1:${await freePort(0)}`,
      });
    });

    test('requires a password', async () => {
      await using own = await startRedis('--requirepass', 'secret');
      await expectFault(/NOAUTH/, /user and password in REDIS_URL/, { REDIS_URL: `redis://127.0.0.1:${own.port}` });
      await expectFault(/WRONGPASS/, /user and password in REDIS_URL/, {
        REDIS_URL: `redis://:wrong@127.0.0.1:${own.port}`,
      });
    });

    test('is a read-only replica', async () => {
      await using own = await startRedis('--replicaof', '127.0.0.1', String(redis!.port));
      await expectFault(/READONLY/, /primary/, { REDIS_URL: `redis://127.0.0.1:${own.port}` });
    });
  });

  describe('the inference server', () => {
    test('is down', async () => {
      await expectFault(/inference at 127\.0\.0\.1.*ECONNREFUSED/, /Start the inference server/, {
        INFERENCE_ADDRESS: `127.0.0.1:${await freePort(0)}`,
      });
    });

    test('runs another model than the API', async () => {
      const { findings } = await diagnose({ MODEL_PACK: 'mobilefacenet', DATABASE_URL: '' });
      const fault = findings.find(({ what }) => what.startsWith('inference at'));
      assert.match(fault?.fault ?? '', /Model "mobilefacenet-2" is not served here, only sface-3/);
      assert.match(fault?.mend ?? '', /same MODEL_PACK/);
    });

    test('is reported when it serves another model than the API', async () => {
      const pack = join(scratch, 'other-version');
      cpSync(models, pack, { recursive: true });
      const manifest = join(pack, 'sface/manifest.json');
      writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/"version": \d+/, '"version": 99'));
      await using other = await startTestService({
        inference: null,
        database,
        environment: { INFERENCE_ADDRESS: inference.address, API_KEYS: `studio:${KEY}`, MODELS_DIRECTORY: pack },
      });
      await expectFault(/inference_model_mismatch/, /same MODEL_PACK/, { FACEPASS_URL: other.url });
    });
  });

  describe('a model file', () => {
    const recogniser = join(models, 'sface/recogniser.onnx');
    const mended = async (work: () => Promise<void>) => {
      try {
        await work();
      } finally {
        cpSync(join(root, 'models/sface/recogniser.onnx'), recogniser);
        chmodSync(recogniser, 0o644);
      }
    };

    test('is damaged', () =>
      mended(async () => {
        appendFileSync(recogniser, 'x');
        await expectFault(/recogniser\.onnx: it is damaged: its sha256 is [0-9a-f]{12}/, /npm run models/);
      }));

    test('is missing', () =>
      mended(async () => {
        rmSync(recogniser);
        await expectFault(/recogniser\.onnx: it is missing/, /npm run models/);
      }));

    test('is not readable', () =>
      mended(async () => {
        chmodSync(recogniser, 0o000);
        const { findings } = await diagnose({ API_KEYS_FILE: '' }, { uid: OTHER_USER });
        const fault = findings.find(({ what }) => what.endsWith('recogniser.onnx'));
        assert.match(fault?.fault ?? '', /EACCES/);
        assert.match(fault?.mend ?? '', /Let the user that runs the inference server read it/);
      }));

    test('has a licence that was not accepted', async () => {
      const { findings } = await diagnose({
        MODEL_PACK: 'arcface',
        MODELS_DIRECTORY: join(root, 'models'),
        DATABASE_URL: '',
        INFERENCE_ADDRESS: '',
      });
      assert.match(
        findings.find(({ what }) => what.startsWith('licence'))?.mend ?? '',
        /MODEL_LICENCE_ACCEPTED=insightface-non-commercial/,
      );
    });

    test('belongs to an unknown pack', async () => {
      await expectFault(/model pack nonsense: ENOENT/, /Correct MODEL_PACK/, {
        MODEL_PACK: 'nonsense',
        INFERENCE_ADDRESS: '',
      });
    });
  });

  describe('a file or a port of this host', () => {
    test('the keys file is readable by every user, malformed, empty, missing, or unreadable for the API', async () => {
      const own = join(scratch, 'own-keys');
      const variables = { API_KEYS_FILE: own };
      await expectFault(/it does not exist/, /facepass keys create/, variables);
      writeFileSync(own, `studio:${KEY}`, { mode: 0o644 });
      await expectFault(/every user of this machine can read it/, /chmod o=/, variables);
      chmodSync(own, 0o000);
      await expectFault(/keys file.*EACCES/, /Let the user that runs the API read it/, variables, { uid: OTHER_USER });
      chmodSync(own, 0o600);
      writeFileSync(own, 'studio:short');
      await expectFault(/entry 1 must have a key of 16/, /Correct the entry/, variables);
      writeFileSync(own, '# nobody yet\n');
      await expectFault(/it has no keys/, /facepass keys create/, variables);
    });

    test('the file of a secret is missing', async () => {
      await expectFault(/POSTGRES_PASSWORD_FILE: ENOENT/, /Correct the variable/, {
        POSTGRES_PASSWORD_FILE: join(scratch, 'no-such-secret'),
      });
    });

    test('the folder of the journals is not writable', async () => {
      const closed = join(scratch, 'closed');
      mkdirSync(closed, { mode: 0o555 });
      await expectFault(
        /journals in .*EACCES/,
        /XDG_STATE_HOME/,
        { XDG_STATE_HOME: closed, API_KEYS_FILE: '' },
        { uid: OTHER_USER },
      );
    });

    test('another program uses the port', async () => {
      const taken = await listen(createServer());
      const { port } = taken.address() as AddressInfo;
      const { findings } = await diagnose({
        PORT: String(port),
        HOST: '127.0.0.1',
        FACEPASS_URL: `http://127.0.0.1:${await freePort(0)}`,
      });
      taken.close();
      const fault = findings.find(({ what }) => what === `PORT ${port}`);
      assert.match(`${fault?.fault} ${fault?.mend}`, /another program listens on it.*set PORT to a free port/);
    });

    test('the variables come from an env file, as Compose and systemd read it', async () => {
      const envFile = join(scratch, 'api.env');
      writeFileSync(
        envFile,
        `# the database\nDATABASE_URL=postgres://facepass@127.0.0.1:${await freePort(0)}/facepass\n`,
      );
      await expectFault(/ECONNREFUSED/, /Start PostgreSQL/, {}, { args: ['--env-file', envFile] });
    });
  });

  describe('the service', () => {
    test('is down', async () => {
      await expectFault(/ECONNREFUSED/, /Start the service, or correct FACEPASS_URL/, {
        FACEPASS_URL: `http://127.0.0.1:${await freePort(0)}`,
      });
    });

    test('is not Facepass', async () => {
      const other = await listen(createServer((_request, response) => response.end('hello')));
      await expectFault(/not Facepass’s/, /Correct the address/, {
        FACEPASS_URL: `http://127.0.0.1:${(other.address() as AddressInfo).port}`,
      });
      other.close();
    });

    test('rejects the key, or the key lacks a scope', async () => {
      await expectFault(/api_key_invalid/, /facepass keys create/, { FACEPASS_API_KEY: 'a-key-that-nobody-gave-out' });
      await expectFault(/scope_missing/, /scope `index`/, { FACEPASS_API_KEY: ERASER });
      await expectFault(/API key: no key given/, /FACEPASS_API_KEY/, { FACEPASS_API_KEY: '' });
    });

    test('has a database that is not migrated', async () => {
      await using empty = await createTestDatabase();
      await using other = await startTestService({
        inference: null,
        database: empty,
        environment: { INFERENCE_ADDRESS: inference.address, API_KEYS: `studio:${KEY}` },
      });
      const { findings } = await diagnose({ FACEPASS_URL: other.url });
      const fault = findings.find(({ what }) => what === 'database of the service');
      assert.match(`${fault?.fault} ${fault?.mend}`, /not migrated.*Run the migration/);
    });

    test('has a clock an hour off this machine’s, and so has the database', async () => {
      const { findings } = await diagnose({ NODE_OPTIONS: `--import ${ANOTHER_CLOCK}` });
      const faults = findings.filter(({ fault }) => fault);
      assert.deepEqual(
        faults.map(({ what }) => what),
        ['clock', 'clock of the database'],
      );
      for (const { fault, mend } of faults) assert.match(`${fault} ${mend}`, /(3599|36\d\d) s apart.*NTP/);
    });
  });
});

/** A module that sets the process's clock an hour ahead. */
const ANOTHER_CLOCK = `data:text/javascript,${encodeURIComponent(
  'const Now=Date;globalThis.Date=class extends Now{constructor(...a){a.length?super(...a):super(Now.now()+36e5)}static now(){return Now.now()+36e5}}',
)}`;

async function listen(http: Server): Promise<Server> {
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return http;
}
