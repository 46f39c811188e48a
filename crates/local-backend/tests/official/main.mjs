// Runs the clients of AppSync that other people wrote, unchanged, against roomlet-local:
//
//   ROOMLET_LOCAL=target/debug/roomlet-local npm test
//
// This half starts the server, and itself once more with the server's certificate as trusted; Node
// reads NODE_EXTRA_CA_CERTS only when it starts.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const START_DEADLINE_MS = 30_000;

const binary = process.env.ROOMLET_LOCAL;
if (!binary) {
  console.error('Set ROOMLET_LOCAL to the built roomlet-local, as in target/debug/roomlet-local.');
  process.exit(2);
}

const directory = await mkdtemp(join(tmpdir(), 'roomlet-official-'));
let server;
try {
  const rooms = join(directory, 'rooms.json');
  await writeFile(
    rooms,
    JSON.stringify({
      public: true,
      rooms: {
        closed: { tokens: [] },
        team: { tokens: ['team-token'], subjects: ['ann'] },
      },
    }),
  );
  server = spawn(binary, ['--port', '0', '--memory', '--tls', '--rooms', rooms], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { port, certificate } = await started(server);
  const checks = spawn(process.execPath, [fileURLToPath(new URL('checks.mjs', import.meta.url))], {
    stdio: 'inherit',
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: certificate,
      ROOMLET_PORT: port,
      AWS_ACCESS_KEY_ID: 'AKIDLOCAL00000000000',
      AWS_SECRET_ACCESS_KEY: 'local-secret',
    },
  });
  process.exitCode = await new Promise((resolve) => {
    checks.once('exit', (code) => resolve(code ?? 1));
  });
} finally {
  server?.kill();
  await rm(directory, { recursive: true, force: true });
}

/** Waits for the lines that say where the server listens and where its certificate is. */
function started(child) {
  return new Promise((resolve, reject) => {
    const found = {};
    const timer = setTimeout(() => reject(new Error('roomlet-local did not start.')), START_DEADLINE_MS);
    child.once('exit', () => reject(new Error('roomlet-local ended before it had started.')));
    child.once('error', reject);
    createInterface({ input: child.stdout }).on('line', (line) => {
      found.port ??= /wss:\/\/[^/]*:(\d+)\//.exec(line)?.[1];
      found.certificate ??= /certificate (?:is )?in (.+\.pem)/.exec(line)?.[1];
      if (found.port && found.certificate) {
        clearTimeout(timer);
        resolve(found);
      }
    });
  });
}
