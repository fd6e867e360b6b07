import { accessSync, constants, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { parseKeys } from '@facepass/contracts/api-keys';
import { messageOf } from '@facepass/runtime/errors';
import { stateDirectory } from '../journal.ts';
import type { Finding } from './finding.ts';

/** Checks the folder of the journals of `facepass index`. */
export function examineState(environment: NodeJS.ProcessEnv): Finding {
  const directory = stateDirectory(environment);
  const what = `journals in ${directory}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.W_OK);
    return { what };
  } catch (error) {
    return {
      what,
      fault: messageOf(error),
      mend: 'Make the directory writable, or point XDG_STATE_HOME to one that is.',
    };
  }
}

/** Checks the file of API_KEYS_FILE: readable, well-formed, with a key, and private. */
export function examineKeysFile(path: string): Finding {
  const what = `keys file ${path}`;
  try {
    const text = readFileSync(path, 'utf8');
    if (parseKeys(text).length === 0)
      return {
        what,
        fault: 'it has no keys, so every call that writes is rejected',
        mend: 'Create one: facepass keys create NAME.',
      };
    if (statSync(path).mode & 0o007)
      return { what, fault: 'every user of this machine can read it', mend: `Make it private: chmod o= ${path}.` };
    return { what };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      return {
        what,
        fault: 'it does not exist',
        mend: 'Create it with facepass keys create NAME, or correct API_KEYS_FILE.',
      };
    if (code === 'EACCES')
      return {
        what,
        fault: message,
        mend: 'Let the user that runs the API read it, with chown or by its group.',
      };
    return {
      what,
      fault: message,
      mend: 'Correct the entry. Until then an API does not start with it, and a running API keeps its old keys.',
    };
  }
}

/** Checks whether a stopped service could listen on `port`. */
export async function examinePort(name: string, port: number, host?: string): Promise<Finding> {
  const what = `${name} ${port}`;
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
    await new Promise((resolve) => server.close(resolve));
    return { what };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      return {
        what,
        fault: 'another program listens on it',
        mend: `Stop that program (ss -ltnp names it), or set ${name} to a free port.`,
      };
    if (code === 'EACCES') return { what, fault: message, mend: `Set ${name} to 1024 or higher.` };
    return { what, fault: message, mend: 'Correct HOST: it must be an address of this machine.' };
  }
}
