// Every check, in one process, as a page would have them in one page.

import { WebSocket } from 'ws';

// Node has none of its own before version 22.
globalThis.WebSocket ??= WebSocket;

const { configure } = await import('./amplify.mjs');
configure();
await (await import('./amplify-events.mjs')).run();
await (await import('./amplify-graphql.mjs')).run();
await (await import('./apollo.mjs')).run();
await (await import('./ob-request.mjs')).run();
(await import('./harness.mjs')).finish();
