/** The program of the worker that keeps records until the engine has them (`openIncoming`). */

import type { OpenFile } from '../../studio/host.ts';
import { incomingPath } from '../../studio/incoming.ts';
import { type PortLike, portChannel } from '../../studio/port-channel.ts';
import { headerOf } from '../../studio/protocol.ts';
import { openWire } from '../../studio/wire.ts';
import { openFile } from './opfs-open-file.ts';

let file: OpenFile | undefined;

async function write(folder: string, record: Uint8Array, isFirst: boolean): Promise<void> {
  file ??= await openFile(incomingPath(folder));
  if (isFirst) await file.truncate(0);
  await file.append(record);
}

async function close(): Promise<void> {
  await file?.close();
  file = undefined;
}

const channel = portChannel(self as unknown as PortLike);
const wire = openWire(channel);
let work: Promise<unknown> = Promise.resolve();
channel.onMessage(({ header, parts }) => {
  const read = headerOf(header);
  if (read.kind !== 'call') return;
  const args = wire.decode(read.args, parts) as Parameters<typeof write>;
  const done = work.then(() => (read.call === 'write' ? write(...args) : close()));
  work = done.catch(() => undefined);
  wire.answer(read.id, done);
});
