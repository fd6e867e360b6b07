import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { messageOf } from '@facepass/runtime/errors';
import { eraseIndexed } from './commands/erase.ts';
import { indexBucket } from './commands/index-bucket.ts';
import { forgetPerson } from './commands/forget.ts';
import { indexFolder } from './commands/index-folder.ts';
import { cancelJob, listJobs, retryJob, showJob } from './commands/jobs.ts';
import { createKey, listKeys, revokeKey, scopesOf } from './commands/keys.ts';
import { searchSelfies } from './commands/search.ts';
import { showModels } from './commands/models.ts';
import { listSessions } from './commands/sessions.ts';
import { showStatus } from './commands/status.ts';
import { findConnection, type Connection } from './connection.ts';
import { EXIT, Failure, failureOf, type ExitCode } from './failures.ts';

const EXIT_CODES = `
Exit codes:
  0  done
  1  some photos failed, doctor found a fault, or the watched release was given up
  2  wrong usage
  3  the service is unavailable
  4  the API key is missing or invalid
  5  no such session, photo or key
  6  rejected by the service
  130  interrupted

The address and the key come from --url and --api-key, from FACEPASS_URL and FACEPASS_API_KEY, or from what
./scripts/start left in .facepass.`;

const interrupted = interruption();
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.usage),
);

const program = new Command('facepass')
  .description('Index a folder of photos and find every photo of a person by a selfie.')
  .version(JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')).version)
  .addOption(new Option('--url <address>', 'address of the service'))
  .addOption(new Option('--api-key <key>', 'API key; prefer FACEPASS_API_KEY, which other users cannot see'))
  .addHelpText('after', EXIT_CODES)
  .exitOverride()
  .showHelpAfterError('`facepass --help` lists the commands and options.');

program
  .command('index')
  .description('upload the new and changed photos of a folder, or index those of the service’s bucket by a job')
  .argument('[folder]', 'folder to upload; run it again to resume after an interruption')
  .requiredOption('-s, --session <id>', 'session of the photos')
  .option('--s3-prefix <prefix>', 'index the photos of the bucket whose keys begin with this, instead of a folder')
  .option('--detach', 'with --s3-prefix: do not wait until the job ends')
  .option('-p, --parallel <count>', 'number of photos to upload in parallel', wholeNumber(1, 64), 4)
  .option('--max-faces <count>', 'maximum number of faces to index per photo, largest first', wholeNumber(1, 1000))
  .option('--min-quality <quality>', 'minimum quality of a face to index (0–1)', fraction)
  .option('--again', 'upload unchanged photos too')
  .option('-v, --verbose', 'name the skipped files')
  .option('--json', 'print one JSON line per photo, even in a terminal')
  .action((folder, options) =>
    run((connection) => {
      if ((folder === undefined) === (options.s3Prefix === undefined))
        throw new Failure(EXIT.usage, 'Name a folder, or a prefix of the bucket with --s3-prefix.');
      return folder === undefined
        ? indexBucket(options, connection, interrupted)
        : indexFolder(folder, options, connection, interrupted);
    }),
  );

program
  .command('watch')
  .description('upload the photos of a folder, then each photo that is added or changed, until Ctrl-C')
  .argument('<folder>')
  .requiredOption('-s, --session <id>', 'session of the photos')
  .option('-p, --parallel <count>', 'number of photos to upload in parallel', wholeNumber(1, 64), 4)
  .option('--max-faces <count>', 'maximum number of faces to index per photo, largest first', wholeNumber(1, 1000))
  .option('--min-quality <quality>', 'minimum quality of a face to index (0–1)', fraction)
  .option(
    '--settled-seconds <seconds>',
    'how long a file must stay unchanged before its upload',
    wholeNumber(1, 3600),
    2,
  )
  .option('--json', 'print one JSON line per photo, even in a terminal')
  // The watcher takes 0.1 s to load.
  .action((folder, options) =>
    run(async (connection) =>
      (await import('./commands/watch-folder.ts')).watchFolder(folder, options, connection, interrupted),
    ),
  );

program
  .command('search')
  .description('list the photos that show the person on one to five selfies')
  .argument('<selfies...>')
  .requiredOption('-s, --session <id>', 'session to search')
  .option('--threshold <similarity>', 'minimum similarity (0–1)', fraction)
  .option('--limit <count>', 'maximum number of photos to list', wholeNumber(1, 1000))
  .option('--face <number>', 'face of the first selfie to search; 1 is the largest', wholeNumber(1, 10_000))
  .option('--copy-to <folder>', 'copy the photos to this folder')
  .option('--from <folder>', 'folder that was indexed, to copy from')
  .option('--json', 'print the answer as JSON')
  .action((selfies, options) => run((connection) => searchSelfies(selfies, options, connection, interrupted)));

program
  .command('status')
  .description("show a session's photo and face counts; without --session, the health of the service")
  .option('-s, --session <id>', 'session to show')
  .option('--json', 'print the answer as JSON')
  .action((options) => run((connection) => showStatus(options, connection)));

program
  .command('sessions')
  .description('list all sessions, newest first; the key needs the scope admin')
  .option('--json', 'print one JSON line per session')
  .action((options) => run((connection) => listSessions(options, connection)));

program
  .command('models')
  .description('models of the sessions')
  .command('status')
  .description('show the models that are served and those that sessions are of; the key needs the scope admin')
  .option('--json', 'print one JSON line per model')
  .action((options) => run((connection) => showModels(options, connection)));

program
  .command('erase')
  .description('erase a session, one photo of it, or one face of a photo')
  .requiredOption('-s, --session <id>', 'session to erase')
  .option('--photo <id>', 'erase only this photo')
  .option(
    '--face <number>',
    'erase only this face of the photo, counted from 1; the others stay',
    wholeNumber(1, 10_000),
  )
  .option('-y, --yes', 'do not ask for confirmation')
  .option('--json', 'print the answer as JSON')
  .action((options) => run((connection) => eraseIndexed(options, connection)));

program
  .command('forget')
  .description('erase the faces of the person on one to five selfies, after showing them')
  .argument('<selfies...>')
  .requiredOption('-s, --session <id>', 'session that forgets the person')
  .option('--threshold <similarity>', 'minimum similarity of a face to erase (0–1)', fraction)
  .option('--face <number>', 'face of the first selfie; 1 is the largest', wholeNumber(1, 10_000))
  .option('--preview', 'only show which faces would go')
  .option('-y, --yes', 'do not ask for confirmation')
  .option('--json', 'print the answer as JSON')
  .action((selfies, options) => run((connection) => forgetPerson(selfies, options, connection, interrupted)));

const jobs = program.command('jobs').description('list and control the jobs that index photos of the bucket');
jobs
  .command('list', { isDefault: true })
  .description('list the jobs of a session, newest first')
  .requiredOption('-s, --session <id>', 'session of the jobs')
  .option('--json', 'print one JSON line per job')
  .action((options) => run((connection) => listJobs(options, connection)));
jobs
  .command('show')
  .description('show a job and the photos that failed')
  .argument('<job>')
  .option('-f, --follow', 'report until the job ends; Ctrl-C leaves it running')
  .option('--json', 'print the job as JSON; with --follow one line per change')
  .action((job, options) => run((connection) => showJob(job, options, connection, interrupted)));
jobs
  .command('retry')
  .description('index the photos that failed once more')
  .argument('<job>')
  .option('-f, --follow', 'report until the job ends; Ctrl-C leaves it running')
  .option('--json', 'print the job as JSON; with --follow one line per change')
  .action((job, options) => run((connection) => retryJob(job, options, connection, interrupted)));
jobs
  .command('cancel')
  .description('cancel the photos of a job that are pending; what is indexed stays')
  .argument('<job>')
  .option('--json', 'print the job as JSON')
  .action((job, options) => run((connection) => cancelJob(job, options, connection)));

const erasures = program
  .command('erasures')
  .description('keep a list of erasures outside the database and replay it on a restored backup');
for (const [verb, description] of [
  ['export', 'append new erasures to the list; run it as often as backups are archived'],
  ['replay', 'erase the listed photos and sessions in a restored database; photos indexed after an erasure stay'],
] as const)
  erasures
    .command(verb)
    .description(`${description} (DATABASE_URL or POSTGRES_*, as the migrator’s role)`)
    .requiredOption('--file <path>', 'list with one JSON line per erasure; keep it on other storage than the database')
    .option('--json', 'print the counts as JSON')
    .action((options) =>
      end(async () => {
        // The client of PostgreSQL takes 0.1 s to load.
        const { exportErasures, replayErasures } = await import('./commands/erasures.ts');
        return verb === 'export' ? exportErasures(options) : replayErasures(options);
      }),
    );

const keys = program
  .command('keys')
  .description('manage the keys file of the API (API_KEYS_FILE); the API rereads it without a restart');
const keysFile = () => new Option('--file <path>', 'keys file').env('API_KEYS_FILE');

keys
  .command('create')
  .description('create a key, print it once and store only its SHA-256')
  .argument('<name>')
  .addOption(
    new Option('--scopes <list>', 'scopes of the key: index, delete, admin, joined by +')
      .argParser(scopes)
      .default(['index', 'delete'], 'index+delete'),
  )
  .addOption(keysFile())
  .option('--json', 'print the key as JSON')
  .action((name, options) => end(async () => createKey(name, options)));

keys
  .command('list')
  .description('list the names, scopes and fingerprints of the keys')
  .addOption(keysFile())
  .option('--json', 'print the keys as JSON')
  .action((options) => end(async () => listKeys(options)));

keys
  .command('revoke')
  .description('remove a key from the file')
  .argument('<name>')
  .addOption(keysFile())
  .option('--json', 'print the answer as JSON')
  .action((name, options) => end(async () => revokeKey(name, options)));

program
  .command('doctor')
  .description('diagnose problems and suggest fixes')
  .option('--env-file <path>', "file with the services' variables, to also check this host")
  .option('--json', 'print the findings as JSON')
  // Only doctor needs the clients of PostgreSQL, Redis and gRPC, which take 0.1 s to load.
  .action((options) => run(async (connection) => (await import('./commands/doctor.ts')).examine(options, connection)));

const release = program
  .command('release')
  .description('watch and control a blue-green release of a cluster (docs/blue-green.md)');
const verbs = {
  pause: 'hold the release at its present weights',
  resume: 'continue a paused release',
  promote: 'go to 100 % without waiting; after that, end the rollback window',
  abort: 'stop the release and remove the candidate',
  rollback: 'send all requests back to the previous revision',
  retry: 'release again what was given up',
} as const;
const ofCluster = (command: Command) =>
  command
    .argument('[name]', 'name of the Facepass resource, if the namespace has several')
    .option('-n, --namespace <name>', 'namespace (default: from the kubeconfig)')
    .option('--context <name>', 'context of the kubeconfig')
    .option('--json', 'print the answer as JSON');
ofCluster(release.command('status').description('show the release'))
  .option('-w, --watch', 'watch until the end; exit code 1 if the release was given up')
  // The cluster's client takes 0.3 s to load.
  .action((name, options) =>
    end(async () => (await import('./commands/release.ts')).showRelease(name, options, interrupted)),
  );
for (const [verb, description] of Object.entries(verbs))
  ofCluster(release.command(verb).description(description)).action((name, options) =>
    end(async () => (await import('./commands/release.ts')).askRelease(verb as keyof typeof verbs, name, options)),
  );

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOfCommander(error);
}

function run(command: (connection: Connection) => Promise<ExitCode>): Promise<void> {
  return end(async () => command(findConnection(program.opts())));
}

/** Ends the process with the exit code of the command or of its failure. */
async function end(command: () => Promise<ExitCode>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    if (interrupted.aborted) {
      process.exitCode = EXIT.interrupted;
      return;
    }
    const failure = failureOf(error);
    console.error(failure.message);
    process.exitCode = failure.exitCode;
  }
}

/**
 * The first signal ends the command gracefully, another one at once. Ctrl-C in a terminal sends two signals through
 * the launcher; they count as one.
 */
function interruption(): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted && Date.now() - firstMs > 500) process.exit(EXIT.interrupted);
      firstMs ||= Date.now();
      controller.abort();
    });
  }
  return controller.signal;
}

/** Help and version exit with 0; everything else that commander throws is wrong usage. */
function exitCodeOfCommander(error: unknown): number {
  if (!(error instanceof Error) || !('exitCode' in error)) throw error;
  return error.exitCode === 0 ? EXIT.done : EXIT.usage;
}

function wholeNumber(minimum: number, maximum: number) {
  return (text: string) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < minimum || number > maximum)
      throw new InvalidArgumentError(`Must be a whole number from ${minimum} to ${maximum}.`);
    return number;
  };
}

function scopes(text: string) {
  try {
    return scopesOf(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

function fraction(text: string): number {
  const number = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || number > 1) throw new InvalidArgumentError('Must be a number from 0 to 1.');
  return number;
}
