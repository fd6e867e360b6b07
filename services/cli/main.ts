import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { eraseIndexed } from './commands/erase.ts';
import { indexFolder } from './commands/index-folder.ts';
import { createKey, listKeys, revokeKey, scopesOf } from './commands/keys.ts';
import { searchSelfies } from './commands/search.ts';
import { listSessions } from './commands/sessions.ts';
import { showStatus } from './commands/status.ts';
import { findConnection, type Connection } from './connection.ts';
import { EXIT, failureOf, type ExitCode } from './failures.ts';

const EXIT_CODES = `
Exit codes: 0 done · 1 some photos failed, a fault was found, or a watched release was given up · 2 wrong usage · 3 the service is away · 4 the API key is
refused · 5 no such session, photo or key · 6 refused by the service · 130 interrupted

The service is found by --url and --api-key, FACEPASS_URL and FACEPASS_API_KEY, or what ./scripts/start left in .facepass.`;

const interrupted = interruption();
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.usage),
);

const program = new Command('facepass')
  .description('Index a folder of photos, and find every photo of a person by a selfie.')
  .version(JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')).version)
  .addOption(new Option('--url <address>', 'address of the service'))
  .addOption(new Option('--api-key <key>', 'key for everything that writes'))
  .addHelpText('after', EXIT_CODES)
  .exitOverride()
  .showHelpAfterError('`facepass --help` lists the commands and options.');

program
  .command('index')
  .description('send the photos of a folder that are new or changed; killed and run again, it goes on where it was')
  .argument('<folder>')
  .requiredOption('-s, --session <id>', 'session to put them into')
  .option('-p, --parallel <count>', 'photos under way at a time', wholeNumber(1, 64), 4)
  .option('--max-faces <count>', 'most faces to index of a photo, the largest first', wholeNumber(1, 1000))
  .option('--min-quality <quality>', 'least quality of a face to index, 0 to 1', fraction)
  .option('--again', 'send unchanged photos, too')
  .option('--json', 'one JSON line a photo, also at a terminal')
  .action((folder, options) => run((connection) => indexFolder(folder, options, connection, interrupted)));

program
  .command('search')
  .description('list the photos that show the person of a selfie, or of up to five selfies of one person')
  .argument('<selfies...>')
  .requiredOption('-s, --session <id>', 'session to search')
  .option('--threshold <similarity>', 'least similarity, 0 to 1', fraction)
  .option('--limit <count>', 'most photos to list', wholeNumber(1, 1000))
  .option('--face-index <number>', 'which face of the first selfie, 0 being the largest', wholeNumber(0, 10_000))
  .option('--copy-to <folder>', 'copy the photos there')
  .option('--from <folder>', 'the folder that was indexed')
  .option('--json', 'the answer as JSON')
  .action((selfies, options) => run((connection) => searchSelfies(selfies, options, connection, interrupted)));

program
  .command('status')
  .description('show what the service holds of a session; without --session, whether the service is well')
  .option('-s, --session <id>', 'session')
  .option('--json', 'the answer as JSON')
  .action((options) => run((connection) => showStatus(options, connection)));

program
  .command('sessions')
  .description('list the sessions of the service, the newest first; the key needs the scope admin')
  .option('--json', 'one JSON line a session')
  .action((options) => run((connection) => listSessions(options, connection)));

program
  .command('erase')
  .description('erase a session, or one photo of it, from the service')
  .requiredOption('-s, --session <id>', 'session')
  .option('--photo <id>', 'only this photo')
  .option('-y, --yes', 'do not ask')
  .option('--json', 'the answer as JSON')
  .action((options) => run((connection) => eraseIndexed(options, connection)));

const erasures = program
  .command('erasures')
  .description(
    'the list of erasures beside the database, so that a restored backup does not bring back what was erased',
  );
for (const [verb, description] of [
  ['export', 'append to the list what was erased since; run it as often as backups are archived'],
  ['replay', 'erase in a restored database what the list says; what was indexed after an erasure stays'],
] as const)
  erasures
    .command(verb)
    .description(`${description} (DATABASE_URL or POSTGRES_*, as the migrator’s role)`)
    .requiredOption('--file <path>', 'the list, one JSON line an erasure; keep it on other storage than the database')
    .option('--json', 'the counts as JSON')
    .action((options) =>
      end(async () => {
        // The client of PostgreSQL takes 0.1 s to load.
        const { exportErasures, replayErasures } = await import('./commands/erasures.ts');
        return verb === 'export' ? exportErasures(options) : replayErasures(options);
      }),
    );

const keys = program
  .command('keys')
  .description('the API keys in the file that the API reads (API_KEYS_FILE), which takes changes without a restart');
const keysFile = () => new Option('--file <path>', 'keys file').env('API_KEYS_FILE');

keys
  .command('create')
  .description('make a key, show it this once, and keep its SHA-256 in the file')
  .argument('<name>')
  .option('--scopes <list>', 'what it may do: index, delete, admin, joined by +', scopes, ['index', 'delete'])
  .addOption(keysFile())
  .option('--json', 'the key as JSON')
  .action((name, options) => end(async () => createKey(name, options)));

keys
  .command('list')
  .description('names, scopes and fingerprints of the keys')
  .addOption(keysFile())
  .option('--json', 'the keys as JSON')
  .action((options) => end(async () => listKeys(options)));

keys
  .command('revoke')
  .description('take a key out of the file')
  .argument('<name>')
  .addOption(keysFile())
  .option('--json', 'the answer as JSON')
  .action((name, options) => end(async () => revokeKey(name, options)));

program
  .command('doctor')
  .description('look for what is wrong, and name the mend')
  .option('--env-file <path>', 'variables of the services, to look at what they need on this host, too')
  .option('--json', 'the findings as JSON')
  // It alone needs the clients of PostgreSQL, Redis and gRPC, which take 0.1 s to load.
  .action((options) => run(async (connection) => (await import('./commands/doctor.ts')).examine(options, connection)));

const release = program
  .command('release')
  .description('watch and steer a blue-green release of the cluster (docs/blue-green.md)');
const verbs = {
  pause: 'hold the release at its weights',
  resume: 'let it go on',
  promote: 'go on to 100 % without waiting; after that, end the window in which it can be rolled back',
  abort: 'take the candidate back; nothing when no release is under way',
  rollback: 'send all requests back to the earlier revision',
  retry: 'release once more what was given up',
} as const;
const ofCluster = (command: Command) =>
  command
    .argument('[name]', 'name of the Facepass resource, where the namespace has several')
    .option('-n, --namespace <name>', 'namespace; else that of the kubeconfig')
    .option('--context <name>', 'context of the kubeconfig')
    .option('--json', 'the answer as JSON');
ofCluster(release.command('status').description('show the release'))
  .option('-w, --watch', 'until it is over; exit code 1 when it was given up')
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

/** Ends the process with the command's exit code, or with its failure's. */
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
 * The first signal ends the command in order, another one at once; the two that Ctrl-C in a terminal gives through the
 * launcher are one.
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

/** Help and version end with 0; everything else that commander throws is wrong usage. */
function exitCodeOfCommander(error: unknown): number {
  if (!(error instanceof Error) || !('exitCode' in error)) throw error;
  return error.exitCode === 0 ? EXIT.done : EXIT.usage;
}

function wholeNumber(least: number, most: number) {
  return (text: string) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < least || number > most)
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return number;
  };
}

function scopes(text: string) {
  try {
    return scopesOf(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function fraction(text: string): number {
  const number = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || number > 1) throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return number;
}
