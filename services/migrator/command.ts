import { parseArgs } from 'node:util';
import { messageOf } from '@facepass/runtime/errors';
import { EXIT, Refusal } from './exit.ts';

export type Command =
  | { name: 'up'; to: number; contract: boolean; grantTo: string | undefined }
  | { name: 'plan'; to: number; contract: boolean }
  | { name: 'down'; to: number; dryRun: boolean; setAside: string[] }
  | { name: 'purge'; days: number }
  | { name: 'status' | 'verify' };

/**
 * Reads a command line.
 * @throws Refusal with the usage when the command or an option is unknown.
 */
export function parseCommand(args: string[]): Command {
  const { command: name, options } = parse(args);
  const refuse = (rule: string) => new Refusal(EXIT.usage, `${rule}\n${USAGE}`);
  const allowed = OPTIONS_OF[name ?? ''];
  if (!name || !allowed) throw refuse(name ? `Unknown command “${name}”.` : 'No command given.');
  const stray = Object.keys(options).find((option) => !allowed.includes(option));
  if (stray) throw refuse(`${name} has no option --${stray}.`);
  const to = options.to === undefined ? undefined : Number(options.to);
  if (to !== undefined && ![1, 2, 3].includes(to)) throw refuse('--to must be 1, 2 or 3.');
  const contract = options.contract ?? false;
  if (options['grant-to'] !== undefined && to !== undefined && to < 3) throw refuse('--grant-to needs schema 3.');
  if (name === 'up') return { name, to: to ?? 3, contract, grantTo: options['grant-to'] };
  if (name === 'plan') return { name, to: to ?? 3, contract };
  if (name === 'down') {
    if (to === undefined || to === 3) throw refuse('down needs --to 1 or --to 2.');
    return { name, to, dryRun: options['dry-run'] ?? false, setAside: options['set-aside']?.split(',') ?? [] };
  }
  if (name === 'purge') {
    const days = options['older-than-days'];
    if (days === undefined || !/^\d{1,5}$/.test(days))
      throw refuse('purge needs --older-than-days with a whole number.');
    return { name, days: Number(days) };
  }
  return { name: name as 'status' | 'verify' };
}

const USAGE = `
migrator up [--to 1|2|3] [--contract] [--grant-to ROLE]   migrate up; --contract also ends support for the older API
migrator down --to 1|2 [--dry-run] [--set-aside MODEL,…]  roll back; --dry-run only counts rows;
                                                          --set-aside keeps the faces of these models aside
migrator plan [--to 2|3] [--contract]                     show what up would do, and what prevents it
migrator status                                           show the schema version, the steps and the last run
migrator verify                                           check counts, hashes, norms, constraints and indexes
migrator purge --older-than-days DAYS                     drop backup and quarantine that are older`;

const OPTIONS_OF: Record<string, string[]> = {
  up: ['to', 'contract', 'grant-to'],
  plan: ['to', 'contract'],
  down: ['to', 'dry-run', 'set-aside'],
  purge: ['older-than-days'],
  status: [],
  verify: [],
};

function parse(args: string[]) {
  try {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        to: { type: 'string' },
        contract: { type: 'boolean' },
        'grant-to': { type: 'string' },
        'dry-run': { type: 'boolean' },
        'set-aside': { type: 'string' },
        'older-than-days': { type: 'string' },
      },
    });
    return { command: positionals.length > 1 ? positionals.join(' ') : positionals[0], options: values };
  } catch (error) {
    throw new Refusal(EXIT.usage, `${messageOf(error)}\n${USAGE}`);
  }
}
